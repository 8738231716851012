"""The clock: the only way to ask for the time. A simulated clock can take its place in a demo."""

from __future__ import annotations

import json
import os
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from chipledger.refusals import Refused


class Clock(Protocol):
    """Something that knows what time it is."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class SimulatedClock:
    """A clock that processes share through a small file: it stands still at an instant, or runs on from it.

    The file holds ``{"at": "<RFC 3339>", "real": <unix seconds> | null}``. With ``real`` null the clock stands at
    ``at``; otherwise it reads ``at`` plus the real time gone by since ``real``.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._seen: tuple[int, int, int] | None = None
        self._at = datetime.min.replace(tzinfo=UTC)
        self._real: float | None = None

    def now(self) -> datetime:
        self._refresh()
        if self._real is None:
            return self._at
        return self._at + timedelta(seconds=time.time() - self._real)

    def set(self, at: datetime, *, running: bool = False) -> None:
        """Put the clock at ``at`` for every process at once; readers see the old file or the new, never half."""
        if at.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        anchor = {"at": at.astimezone(UTC).isoformat(), "real": time.time() if running else None}
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(anchor, file)
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _refresh(self) -> None:
        try:
            # A new file has a new inode, so one stat tells whether the anchor moved.
            found = self.path.stat()
            mark = (found.st_ino, found.st_mtime_ns, found.st_size)
            if mark == self._seen:
                return
            anchor = json.loads(self.path.read_text(encoding="utf-8"))
            at, real = datetime.fromisoformat(anchor["at"]), anchor["real"]
            self._at, self._real = at.astimezone(UTC), None if real is None else float(real)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Refused(
                "simulated_clock_unreadable",
                f"The simulated clock cannot be read: {error}. Ask the operator to set it anew.",
                status=503,
            ) from error
        self._seen = mark


_clock: Clock = SystemClock()


def now() -> datetime:
    """The present instant by the clock of this process, aware, in UTC."""
    return _clock.now()


def use(clock: Clock) -> Clock:
    """Make ``clock`` the clock of this process and return the one it replaces."""
    global _clock
    previous, _clock = _clock, clock
    return previous
