"""What processes take of the machine, ours and PostgreSQL's, read from Linux itself: memory and processor time."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from django.db import connection

from config.processes import peak_bytes, process_tree

SAMPLE_SECONDS = 0.05


class MemoryWatch:
    """Watches this process and every process of the PostgreSQL server while it is open.

    ``own_mb`` is this process's peak resident memory (VmHWM, counted from the start of the watch). ``backend_mb`` is
    the most private memory (RssAnon) of any one server process: shared buffers, which all of them map, are apart.
    ``mapped_mb`` is the most that any of them had resident, shared buffers included. In MB of 10^6 bytes; 0 where the
    server runs on another machine.
    """

    def __init__(self) -> None:
        self.own_mb = 0.0
        self.backend_mb = 0.0
        self.mapped_mb = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory watch", daemon=True)

    def __enter__(self) -> MemoryWatch:
        self._postmaster = postmaster()
        with suppress(OSError):  # a kernel that cannot reset the peak reports it since the process started
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()
        self.own_mb = max(self.own_mb, peak_bytes(os.getpid()) / 1e6)

    def _watch(self) -> None:
        while not self._stopped.wait(SAMPLE_SECONDS):
            for process in process_tree(self._postmaster) if self._postmaster else []:
                self.backend_mb = max(self.backend_mb, private_bytes(process) / 1e6)
                self.mapped_mb = max(self.mapped_mb, peak_bytes(process) / 1e6)


def private_bytes(process: int) -> int:
    """The memory that a process shares with nobody (RssAnon), 0 when it has gone."""
    with suppress(OSError):
        for line in (
            Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace").splitlines()
        ):
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    return 0


def cpu_seconds(roots: Iterable[int]) -> float:
    """Processor seconds that the living processes below these have spent, with those of children that ended."""
    total = 0
    for process in {each for root in roots if root for each in process_tree(root)}:
        with suppress(OSError):
            text = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
            # utime, stime, cutime and cstime of proc(5), counted from after the name
            total += sum(int(ticks) for ticks in text.rpartition(")")[2].split()[11:15])
    return total / os.sysconf("SC_CLK_TCK")


def postmaster() -> int:
    """The process id of the server that our connection's backend belongs to, 0 when it is not on this machine."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = int(cursor.fetchone()[0])
    try:
        status = Path(f"/proc/{backend}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    if not status.startswith("Name:\tpostgres"):
        return 0
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid:"))
