"""Book against silicon: two parallel lines in time, drawn on the server, and the gap that the eye sees first.

Positions are percentages of the width, so that one drawing fits every screen without distorting its text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from web.durations import span_in_words, stamp

_MAX_TICKS = 6
_CHART_TOP, _CHART_HEIGHT = 12.0, 108.0
# Labels narrower than this share of the width are left to the list below the drawing.
_LABEL_MIN = 9.0
# A date beyond this share of the width would be cut at its right end, on a wide and on a narrow screen.
_EDGE, _EDGE_NARROW = 92.0, 82.0


@dataclass(frozen=True)
class Span:
    """A time during which one account says the chip was somewhere. `end` None runs on to now.

    `expected` False means that no sighting is due meanwhile: in transit, retired, destroyed.
    """

    start: datetime
    end: datetime | None
    place: str
    expected: bool = True


@dataclass(frozen=True)
class Reading:
    """From `at` on, this many chips are on the book and this many are seen."""

    at: datetime
    book: int
    seen: int

    @property
    def missing(self) -> int:
        return self.book - self.seen


@dataclass(frozen=True)
class Bar:
    """A piece of a line or of the gap, in percent of the width, and in pixels of height where it has one."""

    x: str
    width: str
    label: str
    hint: str
    y: str = ""
    height: str = ""
    quiet: bool = False
    shows_label: bool = True


@dataclass(frozen=True)
class Stroke:
    """A straight piece of a step line: x in percent, y in pixels."""

    x1: str
    y1: str
    x2: str
    y2: str


@dataclass(frozen=True)
class Tick:
    """A date on the axis; a narrow screen leaves out every other one, and one that its edge would cut."""

    x: str
    label: str
    is_odd: bool
    is_near_edge: bool


@dataclass(frozen=True)
class TwoLines:
    """A finished drawing for `components/two_lines.html`."""

    kind: str
    summary: str
    has_gap: bool
    ticks: tuple[Tick, ...]
    gaps: tuple[Bar, ...]
    book: tuple[Bar, ...] = ()
    silicon: tuple[Bar, ...] = ()
    book_strokes: tuple[Stroke, ...] = ()
    silicon_strokes: tuple[Stroke, ...] = ()
    top_label: str = ""
    bottom_label: str = ""


@dataclass(frozen=True)
class _Window:
    start: datetime
    end: datetime

    def share(self, at: datetime) -> float:
        """Where an instant lies, in percent of the width."""
        whole = (self.end - self.start) or timedelta(seconds=1)
        return min(100.0, max(0.0, 100.0 * ((at - self.start) / whole)))


def draw_chip(book: Sequence[Span], silicon: Sequence[Span], *, start: datetime, now: datetime) -> TwoLines:
    """The two lines of one chip: where the book says it was, where it proved to be, and what lies between."""
    window = _Window(start, now)
    gaps = unseen(book, silicon, now=now)
    unseen_for = sum(((end - begin) for begin, end in gaps), timedelta())
    if not gaps and not silicon:
        summary = "The chip has proved nothing yet: only the book says where it is."
    elif not gaps:
        summary = "The silicon follows the book: no time is unaccounted for."
    elif gaps[-1][1] == now:
        begin = gaps[-1][0]
        summary = f"Unseen where the book puts it for {span_in_words(now - begin)}, since {stamp(begin)}."
    else:
        summary = f"Unseen for {span_in_words(unseen_for)} in all; seen again since {stamp(gaps[-1][1])}."
    return TwoLines(
        kind="chip",
        summary=summary,
        has_gap=bool(gaps),
        ticks=_ticks(window),
        gaps=tuple(
            _bar(window, begin, end, f"unseen {span_in_words(end - begin)}", now) for begin, end in gaps
        ),
        book=tuple(_bar(window, s.start, s.end, s.place, now, quiet=not s.expected) for s in book),
        silicon=tuple(_bar(window, s.start, s.end, s.place, now) for s in silicon),
    )


def draw_counts(readings: Sequence[Reading], *, now: datetime) -> TwoLines | None:
    """The two lines of a site, an organisation or the world: chips on the book and chips seen.

    The scale is cut to the counts, and says so with its two labels, so that a small difference stays visible.
    None without readings.
    """
    if not readings:
        return None
    window = _Window(readings[0].at, max(now, readings[-1].at))
    counts = [count for reading in readings for count in (reading.book, reading.seen)]
    room = max(1, (max(counts) - min(counts)) // 5)
    low, high = max(0, min(counts) - room), max(counts) + room

    def height(count: int) -> float:
        return _CHART_TOP + _CHART_HEIGHT * (high - count) / (high - low)

    ends = [*(reading.at for reading in readings[1:]), window.end]
    gaps = []
    for reading, end in zip(readings, ends, strict=True):
        missing = reading.missing
        if missing:
            upper, lower = sorted((height(reading.book), height(reading.seen)))
            hint = f"{abs(missing):,} {'unseen' if missing > 0 else 'not on the book'}"
            gaps.append(
                _bar(window, reading.at, end, hint, now, y=f"{upper:.1f}", height=f"{lower - upper:.1f}")
            )
    last = readings[-1]
    missing = last.missing
    return TwoLines(
        kind="counts",
        summary=f"{last.book:,} on the book, {last.seen:,} seen, difference {missing:,}.",
        has_gap=bool(missing),
        ticks=_ticks(window),
        gaps=tuple(gaps),
        book_strokes=_steps(window, [(r.at, height(r.book)) for r in readings]),
        silicon_strokes=_steps(window, [(r.at, height(r.seen)) for r in readings]),
        top_label=f"{high:,}",
        bottom_label=f"{low:,}",
    )


def unseen(
    book: Sequence[Span], silicon: Sequence[Span], *, now: datetime
) -> list[tuple[datetime, datetime]]:
    """Times at which the book expects the chip at a place where the silicon did not prove it, in order."""
    gaps: list[tuple[datetime, datetime]] = []
    for span in sorted((s for s in book if s.expected), key=lambda s: s.start):
        begin, end = span.start, min(span.end or now, now)
        for seen in sorted((s for s in silicon if s.place == span.place), key=lambda s: s.start):
            seen_end = seen.end or now
            if seen_end <= begin or seen.start >= end:
                continue
            if seen.start > begin:
                gaps.append((begin, seen.start))
            begin = max(begin, seen_end)
        if begin < end:
            gaps.append((begin, end))
    joined: list[tuple[datetime, datetime]] = []
    for gap in gaps:
        if joined and joined[-1][1] == gap[0]:
            joined[-1] = (joined[-1][0], gap[1])
        else:
            joined.append(gap)
    return joined


def _bar(
    window: _Window,
    start: datetime,
    end: datetime | None,
    label: str,
    now: datetime,
    *,
    quiet: bool = False,
    y: str = "",
    height: str = "",
) -> Bar:
    left, right = window.share(start), window.share(end or now)
    hint = f"{label}: {stamp(start)} to {stamp(end) if end else 'now'}"
    wide = right - left >= _LABEL_MIN
    return Bar(f"{left:.3f}%", f"{right - left:.3f}%", label, hint, y, height, quiet=quiet, shows_label=wide)


def _steps(window: _Window, points: Sequence[tuple[datetime, float]]) -> tuple[Stroke, ...]:
    strokes = []
    for (at, y), (after, next_y) in pairwise([*points, (window.end, points[-1][1])]):
        x1, x2 = f"{window.share(at):.3f}%", f"{window.share(after):.3f}%"
        strokes.append(Stroke(x1, f"{y:.1f}", x2, f"{y:.1f}"))
        if next_y != y:
            strokes.append(Stroke(x2, f"{y:.1f}", x2, f"{next_y:.1f}"))
    return tuple(strokes)


def _ticks(window: _Window) -> tuple[Tick, ...]:
    """At most six dates: starts of months over a long time, midnights over a short one."""
    days = max(1, (window.end - window.start).days)
    first = window.start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    found: list[tuple[datetime, str]] = []
    if days > 75:
        step = -(-days // (30 * _MAX_TICKS))
        month = first.year * 12 + first.month
        while (at := datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)) < window.end:
            found.append((at, at.strftime("%b %Y")))
            month += step
    else:
        step = -(-days // _MAX_TICKS)
        at = first + timedelta(days=1)
        while at < window.end:
            found.append((at, at.strftime("%d %b").lstrip("0")))
            at += timedelta(days=step)
    shares = [(window.share(at), label) for at, label in found]
    return tuple(
        Tick(f"{share:.3f}%", label, is_odd=bool(number % 2), is_near_edge=share > _EDGE_NARROW)
        for number, (share, label) in enumerate(shares)
        if share < _EDGE
    )
