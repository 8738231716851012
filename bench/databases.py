"""A database of its own for each measurement: a copy of a migrated one, put in its place, and dropped."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

import psycopg2
from django.core.management import call_command
from django.db import connection


@contextmanager
def migrated_database() -> Iterator[None]:
    """Run on a fresh, migrated database, of which measurements make their copies."""
    with _database("template1"):
        call_command("migrate", verbosity=0, interactive=False)
        yield


@contextmanager
def own_database() -> Iterator[None]:
    """Run on a copy of the database in use, which stays as it was."""
    connection.close()  # nobody else may look at what is copied
    with _database(connection.settings_dict["NAME"]):
        yield


@contextmanager
def _database(template: str) -> Iterator[None]:
    """A database for as long as it lasts; ``DATABASE_URL`` names it for processes that are started meanwhile."""
    former, former_url = connection.settings_dict["NAME"], os.environ["DATABASE_URL"]
    name = f"chipledger_bench_{secrets.token_hex(4)}"
    _administer(former_url, f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        _go_to(name, urlunsplit(urlsplit(former_url)._replace(path=f"/{name}")))
        yield
    finally:
        _go_to(former, former_url)
        _administer(former_url, f"DROP DATABASE {name} WITH (FORCE)")


def checkpoint() -> None:
    """Write what is dirty, so that nobody pays for what was done before the clock started."""
    with suppress(psycopg2.errors.InsufficientPrivilege), connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")


def settings_that_matter() -> dict[str, str]:
    """The server settings without which no figure can be compared."""
    names = [
        "server_version",
        "fsync",
        "synchronous_commit",
        "full_page_writes",
        "shared_buffers",
        "work_mem",
    ]
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY (%s)", [names])
        return dict(sorted(cursor.fetchall()))


def _go_to(name: str, url: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = name
    os.environ["DATABASE_URL"] = url


def _administer(url: str, command: str) -> None:
    server = psycopg2.connect(url)
    try:
        server.autocommit = True
        with server.cursor() as cursor:
            cursor.execute(command)
    finally:
        server.close()
