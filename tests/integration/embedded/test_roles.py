"""deploy/roles.sql on a real PostgreSQL: the application cannot own, truncate or disarm a table."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import psycopg2
import psycopg2.errors
import pytest

from config.embedded import start
from config.embedded.plan import CHECKOUT
from config.embedded.postgres import find_programs


@pytest.fixture(scope="module")
def app() -> Iterator[str]:
    """The address of the application's role, beside one table and its trigger that the owner's role made."""
    with start(None, durable=False) as services:
        psql = [str(find_programs() / "psql"), services.database_url, "--no-psqlrc", "-v", "ON_ERROR_STOP=1"]
        secrets = os.environ | {"OWNER_PASSWORD": "own'er", "APP_PASSWORD": "app"}
        subprocess.run([*psql, "-qf", str(CHECKOUT / "deploy" / "roles.sql")], env=secrets, check=True)
        owner = psycopg2.connect(services.database_url.replace("postgres@", "chipledger_owner@"))
        with owner, owner.cursor() as cursor:
            cursor.execute("CREATE TABLE entry (id bigint GENERATED ALWAYS AS IDENTITY, body text)")
            cursor.execute(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$"
            )
            cursor.execute(
                "CREATE TRIGGER keep BEFORE DELETE ON entry FOR EACH ROW EXECUTE FUNCTION refuse()"
            )
        owner.close()
        yield services.database_url.replace("postgres@", "chipledger_app@")


def execute(address: str, sql: str) -> None:
    """Run one statement and commit it."""
    connection = psycopg2.connect(address)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
    finally:
        connection.close()


def test_the_application_reads_and_writes_what_the_owner_made(app: str) -> None:
    execute(
        app, "INSERT INTO entry (body) VALUES ('one'); UPDATE entry SET body = 'two'; SELECT * FROM entry"
    )
    execute(app, "CREATE TEMPORARY TABLE incoming (id int)")


@pytest.mark.parametrize(
    "sql",
    [
        "TRUNCATE entry",
        "ALTER TABLE entry DISABLE TRIGGER ALL",
        "DROP TRIGGER keep ON entry",
        "ALTER TABLE entry ADD COLUMN hidden int",
        "DROP TABLE entry",
        "CREATE TABLE elsewhere (id int)",
        "SET session_replication_role = replica",
    ],
)
def test_the_application_cannot_get_around_the_triggers(app: str, sql: str) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        execute(app, sql)
