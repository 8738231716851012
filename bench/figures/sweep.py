"""A whole sweep, every rule, cluster and balance, over 1,000,000 chips with sightings at 2,000 sites."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from time import perf_counter

from django.db import connection

from audits.actions.sweeps import finish_sweep
from audits.models import Finding, Sweep
from audits.rules import RULES
from audits.rules.rule import parameters
from bench.consumption import MemoryWatch
from bench.databases import checkpoint
from bench.harness import Figure, Pair, figure_of
from bench.registers import build_register

QUERIES = Path(__file__).resolve().parent.parent / "limits" / "sweep"
MEMORY_MB = 400
STEPS = ("clusters", *(rule.code for rule in RULES), "balances")
"""What a sweep does, in order."""


class WholeSweep:
    """The sweep as beat starts it, findings written and refreshed; the limit only asks, and writes nothing.

    The sweep in ``prepare`` opens all findings, the others refresh them. Every answer of the limit is compared with
    what the sweep saw: a limit that finds something else is no limit.
    """

    name = "sweep_1m"
    unit = "s"
    target = 5.0
    more_is_better = False
    most_turns = 100

    def __init__(self, *, chips: int = 1_000_000, sites: int = 2_000) -> None:
        self.chips = chips
        self.sites = sites
        self._memory: list[Pair] = []
        self._steps: list[float] = []
        self._asked: dict[str, float] = {}

    def prepare(self) -> None:
        self._at = build_register(chips=self.chips, sites=self.sites).at
        self._queries = {
            path.stem: path.read_text(encoding="utf-8") for path in sorted(QUERIES.glob("*.sql"))
        }
        with MemoryWatch() as memory:
            start = perf_counter()
            self._swept = self._sweep()
            self._first_seconds = perf_counter() - start
        self._watched = memory
        self._memory.append(Pair(max(memory.own_mb, memory.backend_mb), MEMORY_MB))

    def product(self, turn: int) -> float:
        checkpoint()
        start = perf_counter()
        self._swept = self._sweep()
        return perf_counter() - start

    def limit(self, turn: int) -> float:
        checkpoint()
        start = perf_counter()
        answers = {name: self._ask(name, query) for name, query in self._queries.items()}
        seconds = perf_counter() - start
        seen = answers_of(self._swept)
        if answers != seen:
            raise RuntimeError(f"the limit found {answers}, and the sweep {seen}")
        return seconds

    def further(self) -> Iterable[Figure]:
        yield figure_of(f"{self.name}_peak_mb", self._memory, unit="MB", target=1.0, more_is_better=False)

    def notes(self) -> dict[str, float]:
        return {
            "findings": Finding.objects.count(),
            "seconds of the first sweep, which opens them all": self._first_seconds,
            "peak MB of the sweeping process": self._watched.own_mb,
            "peak private MB of a database process": self._watched.backend_mb,
            "peak MB of a database process, shared buffers included": self._watched.mapped_mb,
            **{
                f"seconds for {name}": end - start
                for name, (start, end) in zip(STEPS, pairwise(self._steps), strict=True)
            },
            **{f"seconds of the limit for {name}": seconds for name, seconds in self._asked.items()},
        }

    def end(self) -> None:
        return None

    def _sweep(self) -> Sweep:
        """A whole sweep, noting when each step begins."""
        self._steps.clear()
        return finish_sweep(
            Sweep.objects.create(at=self._at), progress=lambda done, total: self._steps.append(perf_counter())
        )

    def _ask(self, name: str, query: str) -> int:
        start = perf_counter()
        with connection.cursor() as cursor:
            cursor.execute(query, parameters(self._at))
            (found,) = cursor.fetchone()
        self._asked[name] = perf_counter() - start
        return int(found)


def answers_of(swept: Sweep) -> dict[str, int]:
    """What a sweep saw in each step, as numbers that the limit must find too."""
    return {
        name: counts["above"] if name == "clusters" else counts.get("unaccounted", counts.get("seen", 0))
        for name, counts in swept.counts.items()
    }
