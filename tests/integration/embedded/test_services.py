"""The private PostgreSQL and Redis: they work, stand side by side, need no root, and leave nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest
import redis
from kombu import Connection

from config.embedded import Services, ServicesError, start, unprivileged
from config.embedded.plan import CHECKOUT, Identity
from config.embedded.postgres import find_programs
from config.embedded.services import join_or_start, make_runtime_folder, running
from config.embedded.unprivileged import NAMESPACE_UID, leave_root
from config.redis_urls import celery_broker_url

OWNER = """
import json, sys, time
from pathlib import Path
from config.embedded import ensure, start
services = start(None, durable=False) if sys.argv[1] == "-" else ensure(Path(sys.argv[1]))
print(services.guardian_pid, services.postgres_pid, services.redis_pid, services.runtime, flush=True)
time.sleep(600)
"""


def lives(pid: int) -> bool:
    """Whether a process exists and is not just waiting to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def eventually(fact: Callable[[], bool], *, within: float = 30) -> bool:
    """Whether a fact comes true in time."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if fact():
            return True
        time.sleep(0.05)
    return fact()


def ask(services: Services, sql: str) -> list[tuple[object, ...]]:
    """The rows of one query, committed."""
    connection = psycopg2.connect(services.database_url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def environment(**changes: str) -> dict[str, str]:
    """Our environment without servers named in it."""
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    return kept | changes


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    with start(None, durable=False) as started:
        yield started


def test_postgres_18_and_redis_answer_on_unix_sockets_alone(services: Services) -> None:
    [(version, host, database, encoding)] = ask(
        services,
        "SELECT current_setting('server_version_num')::int / 10000, current_setting('listen_addresses'),"
        " current_database(), current_setting('server_encoding')",
    )
    broker = redis.Redis.from_url(services.redis_url)
    broker.set("greeting", "hello")
    assert (version, host, database, encoding) == (18, "", "chipledger", "UTF8")
    assert broker.get("greeting") == b"hello"
    assert broker.config_get("port") == {"port": "0"}
    broker.close()


def test_celery_and_redis_meet_in_the_same_database_of_the_same_socket(services: Services) -> None:
    third = services.redis_url.replace("db=0", "db=3")
    with redis.Redis.from_url(third) as database, Connection(celery_broker_url(third)) as broker:
        queue = broker.SimpleQueue("wake-ups")
        queue.put({"job": 1})
        waiting = database.llen("wake-ups")
        message = queue.get(timeout=10)
        message.ack()
        queue.close()
    assert waiting == 1
    assert message.payload == {"job": 1}


def test_nobody_else_may_look_into_the_socket_folder(services: Services) -> None:
    assert services.runtime.stat().st_mode & 0o777 == 0o700


def test_two_pairs_stand_side_by_side(services: Services) -> None:
    with start(None, durable=False) as others:
        ask(others, "CREATE TABLE only_here (id int)")
        assert ask(services, "SELECT to_regclass('only_here')") == [(None,)]
        assert others.runtime != services.runtime


def test_stopping_leaves_no_process_and_no_folder() -> None:
    services = start(None, durable=False)
    services.stop()
    services.stop()
    assert not any(map(lives, (services.guardian_pid, services.postgres_pid, services.redis_pid)))
    assert not services.runtime.exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_survives_an_owner_that_is_killed(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, "-"],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
        stderr=subprocess.DEVNULL,
    ) as owner:
        assert owner.stdout is not None
        guardian, postgres, broker, runtime = owner.stdout.readline().split()
        pids = [int(guardian), int(postgres), int(broker)]
        assert all(map(lives, pids))
        owner.send_signal(number)
        owner.wait()
    assert eventually(lambda: not any(map(lives, pids)))
    assert not Path(runtime).exists()


def test_a_forked_child_of_a_killed_owner_does_not_keep_the_services_alive() -> None:
    forking = OWNER.replace("time.sleep(600)", "import os; os.fork() or time.sleep(15); time.sleep(600)")
    with subprocess.Popen(
        [sys.executable, "-c", forking, "-"],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as owner:
        assert owner.stdout is not None
        pids = [int(pid) for pid in owner.stdout.readline().split()[:3]]
        owner.kill()
        gone = eventually(lambda: not any(map(lives, pids)), within=10)
        os.killpg(owner.pid, signal.SIGKILL)
    assert gone


def test_nothing_survives_a_guardian_that_is_killed() -> None:
    services = start(None, durable=False)
    os.kill(services.guardian_pid, signal.SIGKILL)
    assert eventually(lambda: not lives(services.postgres_pid) and not lives(services.redis_pid))
    services.stop()
    assert not services.runtime.exists()


def test_a_killed_postgres_comes_back_with_what_was_committed(tmp_path: Path) -> None:
    with start(tmp_path, durable=True) as services:
        ask(services, "CREATE TABLE kept AS SELECT 7 AS answer")
        os.kill(services.postgres_pid, signal.SIGKILL)

        def answers() -> bool:
            try:
                return ask(services, "SELECT answer FROM kept") == [(7,)]
            except psycopg2.OperationalError:
                return False

        assert eventually(lambda: not lives(services.postgres_pid))
        assert eventually(answers, within=60)


def test_a_durable_cluster_keeps_its_rows_and_syncs_every_commit(tmp_path: Path) -> None:
    with start(tmp_path / "var", durable=True) as services:
        ask(services, "CREATE TABLE kept AS SELECT 7 AS answer")
        assert ask(services, "SELECT current_setting('fsync'), current_setting('synchronous_commit')") == [
            ("on", "on")
        ]
    with start(tmp_path / "var", durable=True) as services:
        assert ask(services, "SELECT answer FROM kept") == [(7,)]


def test_a_second_start_on_the_same_folder_is_refused_and_a_join_is_not(tmp_path: Path) -> None:
    with start(tmp_path, durable=True) as services:
        with pytest.raises(ServicesError, match="already running"):
            start(tmp_path, durable=True)
        joined = join_or_start(tmp_path)
        joined.stop()
        assert joined.database_url == services.database_url
        assert ask(joined, "SELECT 1") == [(1,)]
    assert running(tmp_path) is None


def test_processes_that_start_together_share_one_pair(tmp_path: Path) -> None:
    owners = [
        subprocess.Popen(
            [sys.executable, "-c", OWNER, str(tmp_path)],
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        for _ in range(3)
    ]
    told = [owner.stdout.readline() for owner in owners if owner.stdout is not None]
    for owner in owners:
        owner.kill()
        owner.communicate()
    assert len(set(told)) == 1
    assert eventually(lambda: not any(lives(int(pid)) for pid in told[0].split()[:3]))


def test_a_cluster_whose_making_was_cut_short_is_made_again(tmp_path: Path) -> None:
    unfinished = tmp_path / "postgresql.unfinished"
    unfinished.mkdir(mode=0o700)
    (unfinished / "PG_VERSION").write_text("18\n")
    with start(tmp_path, durable=True) as services:
        assert ask(services, "SELECT 1") == [(1,)]


def test_a_long_data_path_still_works(tmp_path: Path) -> None:
    long = tmp_path / ("a-folder-with-a-very-long-name-" * 4) / ("and-another-one-" * 6)
    with start(long, durable=False) as services:
        assert ask(services, "SELECT 1") == [(1,)]


def test_a_long_temporary_folder_is_not_used_for_sockets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("temporary-" * 12)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    runtime = make_runtime_folder()
    runtime.rmdir()
    assert long not in runtime.parents


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
@pytest.mark.parametrize("identity", [Identity.NAMESPACE, Identity.NOBODY])
def test_root_can_run_postgres_both_ways(identity: Identity) -> None:
    try:
        services = start(None, durable=False, identity=identity)
    except ServicesError as failure:
        if "preexec_fn" not in str(failure):
            raise
        pytest.skip(f"this machine does not allow it: {identity}")
    with services:
        assert ask(services, "SELECT 1") == [(1,)]
        uid = Path(f"/proc/{services.postgres_pid}").stat().st_uid
    assert not services.runtime.exists()
    assert (uid == 0) is (identity is Identity.NAMESPACE)


@pytest.mark.skipif(os.geteuid() != 0, reason="everybody else is an ordinary user already")
def test_an_ordinary_user_needs_nothing_special() -> None:
    try:
        done = subprocess.run(
            [sys.executable, "-m", "config.embedded", "run", "--", "sh", "-c", 'id -u; echo "$DATABASE_URL"'],
            cwd=CHECKOUT,
            env=environment(),
            preexec_fn=lambda: leave_root(Identity.NAMESPACE),
            check=True,
            capture_output=True,
            text=True,
        )
    except subprocess.SubprocessError as failure:
        if "preexec_fn" not in str(failure):
            raise
        pytest.skip("this machine does not allow user namespaces")
    assert done.stdout.splitlines()[0] == str(NAMESPACE_UID)
    assert done.stdout.splitlines()[1].startswith("postgresql://postgres@%2F")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_what_nobody_cannot_reach_is_copied_outside_and_nothing_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = find_programs().parent.parent
    closed = tmp_path / package.name / "pginstall18"
    shutil.copytree(package / "pginstall18", closed, symlinks=True)
    shutil.copytree(package.with_name(f"{package.name}.libs"), tmp_path / f"{package.name}.libs")
    tmp_path.chmod(0o700)
    with tempfile.TemporaryDirectory(dir="/var/tmp") as outside:
        Path(outside).chmod(0o755)
        monkeypatch.setattr(unprivileged, "OUTSIDE", Path(outside, "chipledger"))
        data = unprivileged.data_for_nobody(tmp_path / "var")
        programs = unprivileged.programs_for_nobody(closed / "bin")
        assert unprivileged.can_run(programs / "initdb", within=data, identity=Identity.NOBODY)
        assert data.stat().st_mode & 0o777 == 0o700
    assert not unprivileged.can_run(
        closed / "bin" / "initdb", within=unprivileged.SHARED_TEMPORARY, identity=Identity.NOBODY
    )
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_postgres_variables_meant_for_another_server_are_not_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "6543")
    monkeypatch.setenv("PGDATA", "nowhere")
    services = start(None, durable=False)
    monkeypatch.undo()
    with services:
        assert ask(services, "SELECT 1") == [(1,)]
