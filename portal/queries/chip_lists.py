"""Where the chips of a list are, or were on a day: what a line says, and nothing more, because lists are long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.queries.chips import ACCOUNT_TONES, account_in_words
from registry.access import Reader, visible
from registry.models import Chip
from tracking.models import AccountKind, Holding
from tracking.queries.as_of import AsOf, standings
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


def places_of(chips: Sequence[Chip], reader: Reader, asked: AsOf | None) -> dict[int, Place]:
    """By chip number, as far as the reader may know; now, unless a day is asked for."""
    if asked is None:
        return _places_now(chips, reader)
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
