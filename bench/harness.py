"""How a figure is measured: product and limit by turns in one run, the median of each, and their ratio."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Pair:
    """One turn: what the product reached and what the limit reached right after or before it, in the same unit."""

    value: float
    limit: float

    @property
    def ratio(self) -> float:
        return self.value / self.limit


@dataclass(frozen=True)
class Figure:
    """A measured figure. ``ratio`` is the median of the turns' ratios, so that a machine that slows down for one turn
    slows both sides of it; ``value`` and ``limit`` are medians too. ``target`` bounds the ratio, from below when more
    is better.
    """

    name: str
    value: float
    limit: float
    ratio: float
    target: float
    unit: str
    runs: int
    met: bool
    better: str
    lowest: float
    highest: float
    notes: dict[str, float] = field(default_factory=dict)


class Measurement(Protocol):
    """Something that can be measured by turns, on a database of its own that is empty and migrated."""

    name: str
    unit: str
    target: float
    more_is_better: bool
    most_turns: int

    def prepare(self) -> None:
        """Build what the turns need; not timed. May run a turn to warm up."""

    def product(self, turn: int) -> float:
        """Let the house do it, and return what it reached."""

    def limit(self, turn: int) -> float:
        """Do the same by hand, and return what that reached."""

    def further(self) -> Iterable[Figure]:
        """Figures that came out on the way, after all turns."""

    def notes(self) -> dict[str, float]:
        """Numbers worth printing beside the figure."""

    def end(self) -> None:
        """Stop what ``prepare`` started."""


def measure(measurement: Measurement, *, turns: int) -> list[Figure]:
    """Measure by turns; which side goes first alternates, so that neither always finds the caches warm."""
    pairs = []
    turns = min(turns, measurement.most_turns)
    try:
        measurement.prepare()
        for turn in range(turns):
            if turn % 2 == 0:
                value = measurement.product(turn)
                limit = measurement.limit(turn)
            else:
                limit = measurement.limit(turn)
                value = measurement.product(turn)
            pairs.append(Pair(value, limit))
            say(
                f"{measurement.name}: turn {turn + 1} of {turns}: "
                f"{_short(value)} beside {_short(limit)} {measurement.unit}"
            )
        return [
            figure_of(
                measurement.name,
                pairs,
                unit=measurement.unit,
                target=measurement.target,
                more_is_better=measurement.more_is_better,
                notes=measurement.notes(),
            ),
            *measurement.further(),
        ]
    finally:
        measurement.end()


def figure_of(
    name: str,
    pairs: Sequence[Pair],
    *,
    unit: str,
    target: float,
    more_is_better: bool,
    notes: dict[str, float] | None = None,
) -> Figure:
    """The figure that some turns make."""
    ratio = statistics.median(pair.ratio for pair in pairs)
    return Figure(
        name=name,
        value=round(statistics.median(pair.value for pair in pairs), 3),
        limit=round(statistics.median(pair.limit for pair in pairs), 3),
        ratio=round(ratio, 4),
        target=target,
        unit=unit,
        runs=len(pairs),
        met=ratio >= target if more_is_better else ratio <= target,
        better="higher" if more_is_better else "lower",
        lowest=round(min(pair.ratio for pair in pairs), 4),
        highest=round(max(pair.ratio for pair in pairs), 4),
        notes={name: round(number, 4) for name, number in (notes or {}).items()},
    )


def append_to(path: Path, figures: Iterable[Figure]) -> None:
    """Add one JSON object a line to the record of all measurements."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as out:
        for figure in figures:
            out.write(json.dumps(asdict(figure)) + "\n")


def table_of(figures: Sequence[Figure]) -> str:
    """The figures as a table, each with its notes below."""
    head = ("figure", "value", "limit", "unit", "ratio", "spread", "target", "met")
    rows = [head, *(_cells(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    for figure in figures:
        lines += [f"{figure.name}: {note} {number:,}" for note, number in figure.notes.items()]
    return "\n".join(lines)


def _cells(figure: Figure) -> tuple[str, ...]:
    sign = "≥" if figure.better == "higher" else "≤"
    return (
        figure.name,
        _short(figure.value),
        _short(figure.limit),
        figure.unit,
        f"{figure.ratio:.2f}",
        f"{figure.lowest:.2f}–{figure.highest:.2f}",
        f"{sign} {figure.target:g}",
        "yes" if figure.met else "NO",
    )


def say(text: str) -> None:
    """Tell whoever waits how far we are."""
    print(text, file=sys.stderr, flush=True)


def _short(number: float) -> str:
    """Three digits that count of a small number, whole units of a large one."""
    return f"{number:,.0f}" if number >= 1000 else f"{number:.3g}"
