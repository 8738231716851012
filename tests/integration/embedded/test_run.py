"""`python -m config.embedded run`: one command beside the services, its exit code and its signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from config.embedded.plan import CHECKOUT

RUN = [sys.executable, "-m", "config.embedded", "run"]


def environment(**changes: str) -> dict[str, str]:
    """Our environment without servers named in it."""
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    return kept | changes


def run(*words: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end."""
    return subprocess.run(
        [*RUN, *words], cwd=CHECKOUT, env=environment(**changes), capture_output=True, text=True, check=False
    )


def test_the_command_sees_both_addresses_and_its_exit_code_is_ours() -> None:
    done = run("--", "sh", "-c", 'echo "$DATABASE_URL $REDIS_URL"; exit 7')
    database, broker = done.stdout.split()
    assert done.returncode == 7
    assert database.startswith("postgresql://postgres@%2F")
    assert broker.startswith("unix:///")
    assert not Path(broker.removeprefix("unix://").partition("?")[0]).parent.exists()


def test_servers_named_in_the_environment_are_used_as_they_are() -> None:
    done = run(
        "--",
        "sh",
        "-c",
        'echo "$DATABASE_URL $REDIS_URL"',
        DATABASE_URL="postgresql://a/b",
        REDIS_URL="redis://c/0",
    )
    assert done.stdout.split() == ["postgresql://a/b", "redis://c/0"]


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL"])
def test_one_address_without_the_other_is_refused_by_name(name: str) -> None:
    done = run("--", "true", **{name: "redis://c/0"})
    assert done.returncode == 2
    assert f"Only {name} is set" in done.stderr


def test_a_signal_reaches_the_command_and_the_services_stop(tmp_path: Path) -> None:
    with subprocess.Popen(
        [
            *RUN,
            "--data",
            str(tmp_path),
            "--",
            "sh",
            "-c",
            "trap 'exit 9' TERM; echo ready; while :; do sleep 0.1; done",
        ],
        cwd=CHECKOUT,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        running.send_signal(signal.SIGTERM)
        assert running.wait(60) == 9
    assert not (tmp_path / "state.json").exists()
    assert not (tmp_path / "postgresql" / "postmaster.pid").exists()


def test_a_command_that_is_not_there_is_said_and_nothing_stays(tmp_path: Path) -> None:
    done = run("--data", str(tmp_path), "--", "no-such-command")
    assert done.returncode == 2
    assert "no-such-command" in done.stderr
    assert not (tmp_path / "state.json").exists()
