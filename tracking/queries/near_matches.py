"""Which of somebody's own chips a wrong serial may have meant; never a stranger's, which nobody else may learn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tracking.models import Holding

SEARCHED: Final = 100_000
"""At most so many of the holder's chips are compared, which takes about a second."""
_CONFUSED: Final = str.maketrans("oil", "011")


def suggest(names: Iterable[str], *, holder: int) -> dict[str, str]:
    """For each chip name that resembles a chip of the holder by the same maker, that chip's name.

    Alike are serials that differ in case, in 0 and o or 1, l and i, or by one character more, less or other.
    """
    wanted = list(names)
    makers = {name.partition("/")[0] for name in wanted}
    if not makers:
        return {}
    own = (
        Holding.objects.filter(account__organisation=holder, chip__maker__signer__handle__in=makers)
        .order_by("chip_id")
        .values_list("chip__maker__signer__handle", "chip__serial")[:SEARCHED]
    )
    return resembling(wanted, (f"{maker}/{serial}" for maker, serial in own))


def resembling(names: Iterable[str], among: Iterable[str]) -> dict[str, str]:
    """For each name that resembles one of the others, that one; only names of one maker are alike, or without any.

    One that differs in what the eye confuses is meant before one that differs by a character.
    Takes time in proportion to the names and the others, not to their product.
    """
    wanted: dict[tuple[str, str], str] = {}
    for name in names:
        maker, _, serial = name.rpartition("/")
        for key in _keys(serial):
            wanted.setdefault((maker, key), name)
    found: dict[str, str] = {}
    confused: dict[str, str] = {}
    for other in among:
        maker, _, serial = other.rpartition("/")
        for key in _keys(serial):
            meant = wanted.get((maker, key))
            if meant is None or not _alike(typed := meant.rpartition("/")[2], serial):
                continue
            found.setdefault(meant, other)
            if _fold(typed) == _fold(serial):
                confused.setdefault(meant, other)
    return found | confused


def _fold(serial: str) -> str:
    return serial.lower().translate(_CONFUSED)


def _keys(serial: str) -> set[str]:
    """The folded serial and all that is left of it without one character: serials one edit apart share one of them."""
    folded = _fold(serial)
    return {folded, *(folded[:place] + folded[place + 1 :] for place in range(len(folded)))}


def _alike(one: str, other: str) -> bool:
    """Whether at most one edit lies between two serials, once folded; a serial is not like itself."""
    if one == other:
        return False
    short, long = sorted((_fold(one), _fold(other)), key=len)
    start = next((place for place, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(short) == len(long):
        return short[start + 1 :] == long[start + 1 :]
    return len(long) == len(short) + 1 and short[start:] == long[start + 1 :]
