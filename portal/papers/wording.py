"""What every paper's words are made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from web.components import Fact
from web.durations import stamp


@dataclass(frozen=True)
class Words:
    """A statement in words. ``chips`` are those named in it; ``total`` also counts those of a manifest."""

    title: str
    sentence: str
    facts: tuple[Fact, ...] = ()
    chips: tuple[str, ...] = ()
    total: int | None = None


def chips(number: int) -> str:
    """A number of chips."""
    return f"{number:,} chip" + ("" if number == 1 else "s")


def when(term: str, at: datetime) -> Fact:
    return Fact(term, stamp(at))
