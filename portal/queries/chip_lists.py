"""Where the chips of a list are, or were on a day: what a line says, and nothing more, because lists are long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.queries.chips import ACCOUNT_TONES, account_in_words
from registry.access import Reader, visible
from registry.models import Chip
from tracking.models import AccountKind, Holding
from tracking.queries.as_of import AsOf, each_view, standings
from web.components import Tone


@dataclass(frozen=True)
class Place:
    """Where a chip is, or was on a day, as a line of a list says it."""

    account: str
    label: str
    tone: Tone
    holder: str
    name: str
    site: str
    since: datetime


@dataclass(frozen=True)
class Whereabouts:
    """Where a chip of a list is; ``filed`` where both views are asked for and the papers as filed say otherwise."""

    place: Place | None
    filed: Place | None = None


def places_of(chips: Sequence[Chip], reader: Reader, asked: AsOf | None) -> dict[int, Whereabouts]:
    """By chip number, as far as the reader may know; now, unless a day is asked for."""
    if asked is None:
        return {number: Whereabouts(place) for number, place in _places_now(chips, reader).items()}
    counted, *filed = [_places_then(chips, reader, each) for each in each_view(asked)]
    if not filed:
        return {number: Whereabouts(place) for number, place in counted.items()}
    return {
        number: Whereabouts(counted.get(number), _other(filed[0].get(number), counted.get(number)))
        for number in counted.keys() | filed[0].keys()
    }


def _other(filed: Place | None, counted: Place | None) -> Place | None:
    return filed if filed != counted else None


def _places_then(chips: Sequence[Chip], reader: Reader, asked: AsOf) -> dict[int, Place]:
    return {
        number: Place(
            found.account,
            found.label,
            ACCOUNT_TONES[AccountKind(found.account)],
            found.holder,
            found.holder_name,
            found.site,
            found.since,
        )
        for number, found in standings(chips, asked, reader=reader).items()
    }


def _places_now(chips: Sequence[Chip], reader: Reader) -> dict[int, Place]:
    found = visible(reader, Holding).filter(pk__in=[chip.pk for chip in chips])
    rows = found.values_list(
        "pk",
        "account__kind",
        "installed_at",
        "account__organisation__signer__handle",
        "account__organisation__name",
        "account__site__code",
        "since",
    )
    return {
        number: Place(kind, *account_in_words(kind, installed_at), holder, name, site, since)
        for number, kind, installed_at, holder, name, site, since in rows
    }
