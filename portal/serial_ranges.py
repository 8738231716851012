"""Serials as a person writes them down: `A100..A199, B7`. Read strictly, every fault named by its place in the text.

An item is one serial, or two with `..` between them; items stand apart by commas, blanks and line ends. The two ends of
a range differ in exactly one number: what stands before and after it, a check digit for instance, stays as it is, and a
number that is padded with zeros keeps its width.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from chipledger.manifests import MAX_ROWS
from chipledger.refusals import Refused

MAX_TEXT: Final = 200_000
MAX_FAULTS: Final = 1_000

_SEPARATORS: Final = re.compile(r"[\s,]*")
_ITEM: Final = re.compile(r"(?P<first>(?:(?!\.\.)[^\s,])*)(?:[ \t]*(?P<dots>\.\.)[ \t]*(?P<last>[^\s,]*))?")
_SERIAL: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ODD: Final = re.compile(r"[^A-Za-z0-9._-]")
_NUMBER: Final = re.compile(r"([0-9]+)")


@dataclass(frozen=True)
class Range:
    """One item of the text. ``pieces`` are words and numbers by turns; the number at ``varies`` runs from ``low`` to
    ``high``, of at least ``width`` digits. A single serial has none that varies."""

    pieces: tuple[str, ...]
    varies: int | None
    low: int
    high: int
    width: int
    text: str
    line: int
    column: int

    @property
    def size(self) -> int:
        return self.high - self.low + 1

    def __iter__(self) -> Iterator[str]:
        if self.varies is None:
            yield "".join(self.pieces)
            return
        before, after = "".join(self.pieces[: self.varies]), "".join(self.pieces[self.varies + 1 :])
        for number in range(self.low, self.high + 1):
            yield f"{before}{number:0{self.width}d}{after}"


@dataclass(frozen=True)
class Ranges:
    """What a text names, in its order, and what is wrong with it; without faults, the serials are all different unless
    two ranges cross that count by different numbers."""

    ranges: tuple[Range, ...]
    faults: tuple[Refused, ...]

    @property
    def total(self) -> int:
        return sum(each.size for each in self.ranges)

    def __iter__(self) -> Iterator[str]:
        for each in self.ranges:
            yield from each


def read_ranges(text: str, *, limit: int = MAX_ROWS) -> Ranges:
    """The serials of a text, at most ``limit``. A fault has the line as its row, and the item as its value.

    Raises Refused when the text is too long to be read, or names nothing.
    """
    if len(text) > MAX_TEXT:
        raise Refused(
            "serials_too_long", f"Serials take at most {MAX_TEXT:,} characters; split them.", field="serials"
        )
    ranges: list[Range] = []
    faults: list[Refused] = []
    total = 0
    for line, column, item in _items(text):
        try:
            found = _read_item(item, line, column)
        except _Fault as fault:
            faults.append(_refusal(fault, item.group(), line, column + fault.offset))
            if len(faults) == MAX_FAULTS:
                break
            continue
        total += found.size
        if total > limit:
            sentence = f"With this there are more than {limit:,} serials; split them into batches."
            faults.append(_refusal(_Fault("too_many_serials", sentence), item.group(), line, column))
            break
        ranges.append(found)
    faults += islice(_overlaps(ranges), MAX_FAULTS - len(faults))
    if not ranges and not faults:
        raise Refused("no_serials", "No serial is named; name at least one.", field="serials")
    return Ranges(tuple(ranges), tuple(sorted(faults, key=lambda fault: fault.row or 0)))


class _Fault(Exception):
    """What is wrong with an item, and how many characters into it."""

    def __init__(self, code: str, sentence: str, *, offset: int = 0) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.offset = offset


def _refusal(fault: _Fault, text: str, line: int, column: int) -> Refused:
    shown = "".join(each if each.isprintable() else "\ufffd" for each in text)
    sentence = f"Character {column:,}: {fault.sentence}"
    return Refused(fault.code, sentence, row=line, field="serials", value=shown)


def _items(text: str) -> Iterator[tuple[int, int, re.Match[str]]]:
    """The items with the line and the character that they begin at, both counted from 1."""
    line, begin, at = 1, 0, 0
    while True:
        gap = _SEPARATORS.match(text, at)
        start = at if gap is None else gap.end()
        if breaks := text.count("\n", at, start):
            line += breaks
            begin = text.rindex("\n", at, start) + 1
        item = _ITEM.match(text, start)
        if item is None or not item.group():
            return
        yield line, start - begin + 1, item
        at = item.end()


def _read_item(item: re.Match[str], line: int, column: int) -> Range:
    first, last = item["first"], item["last"]
    if not item["dots"]:
        _check_serial(first, 0)
        return Range(tuple(_NUMBER.split(first)), None, 0, 0, 0, first, line, column)
    if not first or not last:
        raise _Fault("range_open", "Write a serial on each side of a range's two dots.")
    _check_serial(first, 0)
    _check_serial(last, item.start("last") - item.start())
    pieces, others = _NUMBER.split(first), _NUMBER.split(last)
    differing = [place for place, pair in enumerate(zip(pieces, others, strict=False)) if pair[0] != pair[1]]
    if len(pieces) != len(others) or any(place % 2 == 0 for place in differing):
        raise _Fault(
            "range_prefix",
            "The two serials of a range differ in a number only, not in letters; write others one by one.",
        )
    if len(differing) > 1:
        raise _Fault(
            "range_ambiguous", "These serials differ in more than one number; write one range for each."
        )
    if not differing:
        raise _Fault("range_of_one", "Both ends of this range are the same serial; write it once.")
    (varies,) = differing
    low, high = pieces[varies], others[varies]
    if len(low) != len(high) and (_is_padded(low) or _is_padded(high)):
        raise _Fault(
            "range_width", "Write a number that is padded with zeros with as many digits at both ends."
        )
    if int(low) > int(high):
        raise _Fault("range_reversed", "This range runs backwards; write its lower end first.")
    return Range(tuple(pieces), varies, int(low), int(high), len(low), item.group(), line, column)


def _is_padded(number: str) -> bool:
    return len(number) > 1 and number.startswith("0")


def _check_serial(serial: str, offset: int) -> None:
    if odd := _ODD.search(serial):
        raise _Fault(
            "bad_serial",
            "Write a serial with letters, digits, dot, underscore and hyphen only.",
            offset=offset + odd.start(),
        )
    if _SERIAL.fullmatch(serial) is None:
        raise _Fault("bad_serial", "Write a serial of at most 64 characters.", offset=offset)


def _overlaps(ranges: list[Range]) -> Iterator[Refused]:
    """Items that name a serial which another one has named, the later of the two at fault."""
    blamed: dict[int, int] = {}
    for intervals in _intervals(ranges).values():
        intervals.sort()
        reach, whose = -1, -1
        for low, high, order in intervals:
            if low <= reach:
                blamed.setdefault(max(order, whose), min(order, whose))
            if high > reach:
                reach, whose = high, order
    for order, other in sorted(blamed.items()):
        mine, first = ranges[order], ranges[other]
        sentence = (
            f"This names serials that {first.text[:40]} in line {first.line:,} has named; name them once."
        )
        yield _refusal(_Fault("range_overlap", sentence), mine.text, mine.line, mine.column)


def _intervals(ranges: list[Range]) -> dict[object, list[tuple[int, int, int]]]:
    """(low, high, order) of everything that differs in one number only, by the rest and the number of digits."""
    found: dict[object, list[tuple[int, int, int]]] = defaultdict(list)
    for order, each in enumerate(ranges):
        if each.varies is not None:
            rest = _without(each.pieces, each.varies)
            for width in range(each.width, len(str(each.high)) + 1):
                low = max(each.low, 10 ** (width - 1) if width > each.width else 0)
                found[rest, width].append((low, min(each.high, 10**width - 1), order))
            if each.width > len(str(each.high)):
                found[rest, each.width].append((each.low, each.high, order))
            continue
        numbers = range(1, len(each.pieces), 2)
        for place in numbers:
            value = int(each.pieces[place])
            found[_without(each.pieces, place), len(each.pieces[place])].append((value, value, order))
        if not numbers:
            found[each.pieces].append((0, 0, order))
    return found


def _without(pieces: tuple[str, ...], place: int) -> tuple[tuple[str, ...], int]:
    return (*pieces[:place], "", *pieces[place + 1 :]), place
