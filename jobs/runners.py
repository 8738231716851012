"""Which function does which kind of job, and what that function is given to work with."""

from __future__ import annotations

import csv
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import TextIOWrapper
from typing import Final

from chipledger.refusals import Refused
from jobs.models import Job
from web.exports import cell

SHOWN: Final = 1000


class Cancelled(Exception):
    """Somebody asked for the job to stop; nothing of it is booked."""


@dataclass
class Rejections:
    """Every refusal of a long job: all of them go to a file on disk, the first 1,000 and the counts stay at hand."""

    counts: Counter[str] = field(default_factory=Counter)
    shown: list[dict[str, object]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._text = TextIOWrapper(self._file, encoding="utf-8", newline="", write_through=False)
        self._csv = csv.writer(self._text)
        self._csv.writerow(("row", "field", "value", "code", "sentence"))

    def add(self, refused: Refused) -> None:
        """Note one refusal and its exact place."""
        self.counts[refused.code] += 1
        if len(self.shown) < SHOWN:
            self.shown.append(refused.as_problem())
        told = (refused.row, refused.field, refused.value, refused.code, refused.sentence)
        self._csv.writerow([cell(each) for each in told])

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def parts(self, size: int = 1 << 20) -> Iterator[bytes]:
        """The rejected-rows file in pieces, each about ``size`` bytes."""
        self._text.flush()
        self._file.seek(0)
        return iter(lambda: self._file.read(size), b"")

    def close(self) -> None:
        self._text.close()


@dataclass
class Work:
    """What a running job may do to its surroundings: report progress, note refusals, notice that it is cancelled.

    ``keeps_input``: when it fails, the file that it was given stays, so that another job can go on with it.
    """

    job: Job
    done: int = 0
    total: int | None = None
    cancelled: bool = False
    rejections: Rejections = field(default_factory=Rejections)
    lines: list[str] = field(default_factory=list)
    keeps_input: bool = False

    def progress(self, done: int, total: int | None = None) -> None:
        """Say how far the work is; raises Cancelled when somebody asked it to stop."""
        self.done = done
        self.total = total if total is not None else self.total
        if self.cancelled:
            raise Cancelled

    def say(self, text: str) -> None:
        """Add a line to the job's log."""
        self.lines.append(text[:500])


Runner = Callable[[Work], dict[str, object]]
_RUNNERS: dict[str, Runner] = {}


def runs(kind: str) -> Callable[[Runner], Runner]:
    """Register a function as the one that does jobs of this kind; its result is kept with the job."""

    def register(function: Runner) -> Runner:
        if kind in _RUNNERS:
            raise ValueError(f"jobs of kind {kind} have a runner already")
        _RUNNERS[kind] = function
        return function

    return register


def runner_of(kind: str) -> Runner:
    """The function that does jobs of this kind."""
    return _RUNNERS[kind]
