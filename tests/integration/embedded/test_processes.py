"""The supervisor of `make demo`: logs, deaths, memory, and an end for everything with its owner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.embedded.plan import CHECKOUT
from config.processes import ChildDied, Processes

SLEEP = ["python", "-c", "import time; print('up', flush=True); time.sleep(600)"]
#: A process that has a child of its own, and ignores being asked to stop.
STUBBORN = "trap '' TERM; sleep 600 & echo $!; wait; sleep 600"
OWNER = """
import sys, time
from pathlib import Path
from config.processes import Processes
processes = Processes(logs=Path(sys.argv[1]), cwd=Path(sys.argv[1]))
print(processes.start("stubborn", ["sh", "-c", sys.argv[2]]), flush=True)
time.sleep(600)
"""


def lives(pid: int) -> bool:
    """Whether a process exists and is not just waiting to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(path: Path) -> str:
    """The content of a file, once it has some."""
    deadline = time.monotonic() + 20
    while not (path.exists() and path.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.02)
    return path.read_text()


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    with Processes(logs=tmp_path / "log", cwd=tmp_path) as started:
        yield started


def test_each_process_writes_to_its_own_log(processes: Processes, tmp_path: Path) -> None:
    processes.start("one", ["sh", "-c", "echo this is one; exec sleep 600"])
    processes.start(
        "two", ["sh", "-c", 'echo "$WHO" >&2; exec sleep 600'], environment={"WHO": "this is two"}
    )
    assert wait_for(tmp_path / "log" / "one.log") == "this is one\n"
    assert wait_for(tmp_path / "log" / "two.log") == "this is two\n"
    processes.check()


def test_a_process_that_dies_is_named_with_its_last_words(processes: Processes) -> None:
    processes.start("steady", SLEEP)
    unlucky = processes.start("unlucky", ["sh", "-c", "seq 100; echo out of luck; exit 3"])
    os.waitid(os.P_PID, unlucky, os.WEXITED | os.WNOWAIT)
    with pytest.raises(ChildDied, match="unlucky ended with 3") as caught:
        processes.check()
    assert caught.value.last_lines[-1] == "out of luck"
    assert len(caught.value.last_lines) == 20


def test_processes_stop_in_reverse_order(tmp_path: Path) -> None:
    order = tmp_path / "order"
    script = "trap 'printf {0} >> {1}; exit' TERM; echo up; while :; do sleep 0.05; done"
    with Processes(logs=tmp_path, cwd=tmp_path) as processes:
        for name in ("a", "b", "c"):
            processes.start(name, ["sh", "-c", script.format(name, order)])
            wait_for(tmp_path / f"{name}.log")
    assert order.read_text() == "cba"


def test_peak_memory_counts_a_child_and_what_has_been_freed(processes: Processes, tmp_path: Path) -> None:
    grow = "x = b'x' * 80_000_000; del x; print('up', flush=True); import time; time.sleep(600)"
    processes.start("small", ["sleep", "600"])
    processes.start("parent", ["sh", "-c", f'"$0" -c "{grow}"; true', sys.executable])
    wait_for(tmp_path / "log" / "parent.log")
    peaks = processes.peak_mb()
    processes.stop("parent")
    assert 80 <= peaks["parent"] < 200
    assert peaks["small"] < 20
    assert processes.peak_mb()["parent"] == peaks["parent"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_survives_the_owner_not_even_a_stubborn_grandchild(
    tmp_path: Path, number: signal.Signals
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path), STUBBORN],
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdout is not None
        child = int(owner.stdout.readline())
        grandchild = int(wait_for(tmp_path / "stubborn.log"))
        assert lives(child)
        assert lives(grandchild)
        owner.send_signal(number)
        owner.wait()
    deadline = time.monotonic() + 20
    while (lives(child) or lives(grandchild)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not lives(child)
    assert not lives(grandchild)
