"""A small supervisor: named child processes with logs, tied to the life of the process that started them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from config.keeper import Keeper

STOP_SECONDS = 20.0
SAMPLE_SECONDS = 1.0
LAST_LINES = 20


class ChildDied(RuntimeError):
    """A child process ended that should have gone on; carries its name, exit code and last log lines."""

    def __init__(self, name: str, code: int, last_lines: Sequence[str]) -> None:
        super().__init__(f"{name} ended with {code}:\n" + "\n".join(last_lines))
        self.name = name
        self.code = code
        self.last_lines = list(last_lines)


@dataclass
class Child:
    """One running process, where it logs, and the peak memory in bytes of each process of its tree."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    peaks: dict[int, int] = field(default_factory=dict)


def process_tree(root: int) -> list[int]:
    """The living processes that descend from one, itself included (Linux)."""
    found = [root]
    for pid in found:
        try:
            for listing in Path(f"/proc/{pid}/task").glob("*/children"):
                found += [int(child) for child in listing.read_text(encoding="ascii").split()]
        except OSError:
            continue  # it ended while we looked
    return found


def peak_bytes(pid: int) -> int:
    """The most memory a process has had resident so far (VmHWM), 0 when it has gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


class Processes:
    """Named child processes, stopped in reverse order; they end when this process ends, SIGKILL included."""

    def __init__(self, *, logs: Path, cwd: Path, environment: Mapping[str, str] | None = None) -> None:
        self._logs = logs
        self._cwd = cwd
        self._environment = dict(environment or {})
        self._children: dict[str, Child] = {}
        self._ended: dict[str, int] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._keeper = Keeper()
        threading.Thread(target=self._sample, name="memory of the processes", daemon=True).start()

    def start(self, name: str, argv: Sequence[str], *, environment: Mapping[str, str] | None = None) -> int:
        """Start a process in its own session, logging to ``<name>.log``; returns its process id.

        A first word ``python`` means this interpreter. Raises ValueError when the name is taken, OSError when
        the program cannot be run.
        """
        if name in self._children:
            raise ValueError(f"{name} is running already")
        self._logs.mkdir(parents=True, exist_ok=True)
        path = self._logs / f"{name}.log"
        program = [sys.executable, *argv[1:]] if argv[0] == "python" else list(argv)
        with path.open("wb") as log:
            process = self._keeper.spawn(
                program,
                cwd=self._cwd,
                log=log,
                environment=os.environ | self._environment | dict(environment or {}),
            )
        with self._lock:
            self._children[name] = Child(name, process, path)
        return process.pid

    def check(self) -> None:
        """Raise ChildDied for the first process that has ended by itself."""
        for child in self._children.values():
            code = child.process.poll()
            if code is not None:
                lines = child.log.read_text(encoding="utf-8", errors="replace").splitlines()
                raise ChildDied(child.name, code, lines[-LAST_LINES:])

    def peak_mb(self) -> dict[str, int]:
        """The peak memory of the largest process under each name so far, in MB (10^6 bytes)."""
        self._look()
        with self._lock:
            living = {name: max(child.peaks.values(), default=0) for name, child in self._children.items()}
            names = [*self._ended, *(name for name in living if name not in self._ended)]
            return {name: -(-max(self._ended.get(name, 0), living.get(name, 0)) // 10**6) for name in names}

    def stop(self, name: str) -> None:
        """Stop one process and everything it started: SIGTERM first, SIGKILL after twenty seconds."""
        self._look()
        with self._lock:
            child = self._children.pop(name)
            self._ended[name] = max([self._ended.get(name, 0), *child.peaks.values()])
        if child.process.poll() is None:
            child.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):  # its group gets SIGKILL next
                child.process.wait(STOP_SECONDS)
        self._keeper.end(child.process)

    def stop_all(self) -> None:
        """Stop every process, the last started first."""
        for name in reversed(list(self._children)):
            self.stop(name)
        self._stopped.set()
        self._keeper.close()

    def __enter__(self) -> Processes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_all()

    def _look(self) -> None:
        with self._lock:
            children = list(self._children.values())
        for child in children:
            for pid in process_tree(child.process.pid):
                child.peaks[pid] = max(child.peaks.get(pid, 0), peak_bytes(pid))

    def _sample(self) -> None:
        while not self._stopped.wait(SAMPLE_SECONDS):
            self._look()
