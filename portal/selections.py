"""Lists of chips as people have them, pasted, scanned or in a file; and what a receipt makes of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import chain
from typing import BinaryIO, Final

from chipledger.manifests import MAX_ROWS, FaultLog, Shape, read_csv, read_json_lines
from chipledger.refusals import Refused
from portal.faults import collect_faults
from portal.queries.selections import accounts_for, too_many_chips
from registry.access import Reader
from tracking.queries.holdings import own_holdings
from tracking.queries.near_matches import resembling

INLINE: Final = 500
"""More chips than this are named by a manifest instead of in the statement itself."""
HINTED: Final = 200
LONGEST_NAME: Final = 128
_PIECE: Final = 64 * 1024
_BETWEEN: Final = re.compile(r"[\s,;]+")
_HEADERS: Final = frozenset({"chip", "maker,serial", "serial,maker"})
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,62}/[A-Za-z0-9._-]{1,64}")


def read_names(text: str, file: BinaryIO | None, *, by: Reader) -> list[str]:
    """Every name that was pasted or is in the file, once, in the order given."""
    found: dict[str, None] = {}
    for name in chain([] if file is None else _names_in_file(file, by), _BETWEEN.split(text)):
        if name:
            found[name] = None
        if len(found) > MAX_ROWS + 1:
            break
    names = list(found)
    if names and names[0].lower() == "chip":
        del names[0]
    if len(names) > MAX_ROWS:
        raise too_many_chips(field="chips", status=413)
    return names


def _names_in_file(file: BinaryIO, by: Reader) -> Iterator[str]:
    start = file.read(256)
    file.seek(0)
    head = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    first = head.partition(b"\n")[0].strip().lower().replace(b" ", b"").replace(b'"', b"")
    if head.startswith(b"{"):
        read = read_json_lines
    elif first.decode("utf-8", "replace") in _HEADERS:
        read = read_csv
    else:
        yield from _words_in(file)
        return
    with collect_faults(scope=by.handle) as note:
        rows = read(file, Shape.CHIPS, FaultLog(lambda fault: note(fault.as_refusal())))
        yield from (row[0] for row in rows)


def _words_in(file: BinaryIO) -> Iterator[str]:
    """The words of a text, a piece at a time; what is longer than any name is no list of names."""
    text = TextIOWrapper(file, encoding="utf-8-sig")
    begun = ""
    try:
        while piece := text.read(_PIECE):
            if "\0" in piece:
                raise _not_utf8()
            *words, begun = _BETWEEN.split(begun + piece)
            for word in (*words, begun):
                if len(word) > LONGEST_NAME:
                    raise Refused(
                        "bad_chip",
                        "No chip has such a long name; separate the names by blanks or lines.",
                        field="chips",
                        value=word[:LONGEST_NAME],
                    )
            yield from words
        yield begun
    except UnicodeDecodeError:
        raise _not_utf8() from None
    finally:
        text.detach()  # the upload closes its own file


def complete_names(names: Sequence[str], among: Iterable[str]) -> list[str]:
    """Names with their maker: a serial alone takes the one maker who has it among these chips."""
    bare = {name for name in names if "/" not in name}
    makers: dict[str, set[str]] = {}
    if bare:
        for whole in among:
            serial = whole.partition("/")[2]
            if serial in bare:
                makers.setdefault(serial, set()).add(whole)
    return [next(iter(makers[name])) if len(makers.get(name, ())) == 1 else name for name in names]


def own_chips(reader: Reader, serials: Sequence[str], *, kind: str) -> list[str]:
    """The reader's own chips with one of these serials, on the accounts that a statement of this kind takes from."""
    found = own_holdings(reader, kinds=accounts_for(kind)).filter(
        chip__serial__in=[serial for serial in serials if "/" not in serial]
    )
    return [
        f"{maker}/{serial}"
        for maker, serial in found.values_list("chip__maker__signer__handle", "chip__serial")
    ]


def _not_utf8() -> Refused:
    return Refused("not_utf8", "The file is not UTF-8 text; save it in that encoding.", field="file")


def check_names(names: Sequence[str], sentence: str, *, by: Reader) -> None:
    """Refuse every name that cannot be a chip's, with its place and this sentence."""
    with collect_faults(scope=by.handle) as note:
        for row, name in enumerate(names, 1):
            if not _NAME.fullmatch(name):
                note(Refused("bad_chip", sentence, row=row, field="chips", value=name))


@dataclass(frozen=True)
class Comparison:
    """What was expected against what was found: the five sets of a receipt, each sorted."""

    accepted: list[str]
    short: list[str]
    over: list[str]
    swapped: list[tuple[str, str]]
    damaged: list[str]
    hints: list[tuple[str, str]]
    """A name found that nobody expected, and the missing one that it resembles."""

    @property
    def differs(self) -> bool:
        return bool(self.short or self.over or self.swapped or self.damaged)

    def differing(self) -> dict[str, list[str]]:
        """The sets that a receipt names chip by chip and gives reasons for; of a swap, the chip found."""
        sets = {
            "short": self.short if len(self.short) <= INLINE else [],
            "over": self.over,
            "swapped": [found for _, found in self.swapped],
            "damaged": self.damaged,
        }
        return {kind: names for kind, names in sets.items() if names}

    def members(self) -> dict[str, object]:
        """The sets as members of the statement, without what goes into a manifest."""
        sets: dict[str, object] = {
            "over": self.over,
            "swapped": [{"expected": expected, "found": found} for expected, found in self.swapped],
            "damaged": self.damaged,
        }
        if len(self.short) <= INLINE:
            sets["short"] = self.short
        if len(self.accepted) <= INLINE:
            sets["accepted"] = self.accepted
        elif len(self.short) <= INLINE:
            sets["accepted_all"] = True
        return {name: value for name, value in sets.items() if value or name == "accepted"}


def compare(
    expected: set[str], found: Iterable[str], *, damaged: Iterable[str], swapped: Iterable[tuple[str, str]]
) -> Comparison:
    """The five sets. What is damaged was found; what was swapped is neither short nor over."""
    pairs = sorted(set(swapped))
    broken = set(damaged)
    replaced = {one for one, _ in pairs}
    seen = set(found) | broken
    over = sorted(seen - expected - {other for _, other in pairs} - broken)
    short = sorted(expected - seen - replaced)
    return Comparison(
        accepted=sorted((expected & seen) - broken - replaced),
        short=short,
        over=over,
        swapped=pairs,
        damaged=sorted(broken),
        hints=_hints(over, short),
    )


def _hints(over: Sequence[str], short: Sequence[str]) -> list[tuple[str, str]]:
    """Which missing chip a name may have meant; serials are compared, because people type no makers."""
    missing = {name.partition("/")[2]: name for name in short[: 10 * HINTED]}
    typed = {name.rpartition("/")[2]: name for name in over[:HINTED]}
    near = resembling(typed, missing)
    return [(name, missing[near[serial]]) for serial, name in typed.items() if serial in near]


def read_pairs(text: str) -> list[tuple[str, str]]:
    """Swapped chips, a pair a line."""
    pairs = []
    for row, line in enumerate(text.splitlines(), 1):
        words = re.split(r"[\s,;=→>]+", line.strip())
        if words == [""]:
            continue
        if len(words) != 2:
            raise Refused(
                "bad_pair",
                "Write a swap as a pair: the serial expected, then the one found.",
                row=row,
                field="swapped",
                value=line,
            )
        pairs.append((words[0], words[1]))
    return pairs
