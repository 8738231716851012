"""What may count as evidence, when a chip is late, and how soon it can be elsewhere. Nothing here reads or writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final

from django.conf import settings
from geographiclib.geodesic import Geodesic

from chipledger.refusals import Refused
from chipledger.statements.attestations import ChipClaims, OutageDeclared
from registry.models import Site

LATE, OVERDUE, MISSING = 1.5, 3.0, 5.0
"""Silence in units of the cadence (design §5)."""

PRESENCE_GAP: Final = 3
"""A silence of more than so many cadences ends a presence interval."""

TRAVEL_KM_H: Final = 900
"""Cruising speed of an airliner; taking a chip out and putting it back is left out, in favour of the accused."""

JITTER: Final = 0.05
EARLIEST_OUTAGE: Final = timedelta(hours=24)
LONGEST_OUTAGE: Final = timedelta(days=90)


class Freshness(StrEnum):
    """How long a chip has been silent."""

    FRESH = "fresh"
    LATE = "late"
    OVERDUE = "overdue"
    MISSING = "missing"
    UNSEEN = "unseen"


class Result(StrEnum):
    """What became of one item of a batch."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    CLAIMS_MALFORMED = "claims_malformed"
    NAMED_TWICE = "named_twice"
    SITE_DIFFERS = "site_differs"
    SIGNATURE_INVALID = "signature_invalid"
    NONCE_DIFFERS = "nonce_differs"
    SEQUENCE_FORK = "sequence_fork"
    PREV_UNKNOWN = "prev_unknown"


SENTENCES: Final[Mapping[Result, str]] = {
    Result.ACCEPTED: "This evidence was accepted.",
    Result.DUPLICATE: "The very same evidence was accepted before; it changes nothing.",
    Result.CLAIMS_MALFORMED: "The claims cannot be read.",
    Result.NAMED_TWICE: "An earlier item of this batch is about the same chip.",
    Result.SITE_DIFFERS: "The chip names another site than the batch.",
    # The same for a chip that does not exist, has no key, or has another: nobody finds out others' chips by guessing.
    Result.SIGNATURE_INVALID: "No chip registered under this name has a device key that made this signature.",
    Result.NONCE_DIFFERS: "The chip answered another nonce than that of the batch.",
    Result.SEQUENCE_FORK: "The sequence did not go on: this number, or a later one, was accepted with other claims.",
    Result.PREV_UNKNOWN: "This chip's first evidence names an earlier one, and none was accepted here.",
}


@dataclass(frozen=True, slots=True)
class LastSeen:
    """The last accepted evidence of a chip. Coordinates in 1e-7 degree."""

    at: datetime
    seq: int
    digest: bytes
    site: str
    latitude_e7: int
    longitude_e7: int


def judge_sequence(claims: ChipClaims, digest: bytes, last: LastSeen | None, *, nonce: str) -> Result:
    """Whether verified claims go on from what was last accepted of the chip.

    A number that does not grow, freshly signed, means two chips with one key or a counter that went back, and is
    kept as a conflict. Under another nonce it may be an old paper that somebody sends again, and accuses nobody.
    """
    if last is not None and digest == last.digest:
        return Result.DUPLICATE
    if claims.eat_nonce != nonce:
        return Result.NONCE_DIFFERS
    if last is None:
        return Result.ACCEPTED if claims.prev is None else Result.PREV_UNKNOWN
    return Result.ACCEPTED if claims.seq > last.seq else Result.SEQUENCE_FORK


def breaks_chain(claims: ChipClaims, last: LastSeen | None) -> bool:
    """Whether the claims name another predecessor than the one that was accepted: there are two histories."""
    return last is not None and claims.prev != last.digest.hex()


def came_too_soon(last: LastSeen, site: Site, *, at: datetime) -> bool:
    """Whether a chip is here sooner after it was elsewhere than an airliner could carry it."""
    if last.site == site.code:
        return False
    hours = travel_hours(last.latitude_e7, last.longitude_e7, site.latitude_e7, site.longitude_e7)
    return (at - last.at) / timedelta(hours=1) < hours


@lru_cache(maxsize=4096)
def travel_hours(
    latitude_e7: int, longitude_e7: int, other_latitude_e7: int, other_longitude_e7: int
) -> float:
    """Hours of flight between two places along the WGS 84 geodesic (Karney 2013)."""
    line = Geodesic.WGS84.Inverse(
        latitude_e7 / 1e7,
        longitude_e7 / 1e7,
        other_latitude_e7 / 1e7,
        other_longitude_e7 / 1e7,
        Geodesic.DISTANCE,
    )
    return float(line["s12"]) / 1000 / TRAVEL_KM_H


def cadence() -> timedelta:
    """How often every chip is expected to prove itself."""
    return timedelta(hours=settings.ATTESTATION_CADENCE_HOURS)


def presence_gap_hours() -> float:
    """The silence, in hours, after which a chip's presence at a site counts as ended."""
    return PRESENCE_GAP * (cadence() / timedelta(hours=1))


def freshness(seen_at: datetime | None, *, at: datetime) -> Freshness:
    """The class of a silence that lasts from ``seen_at`` until ``at``."""
    if seen_at is None:
        return Freshness.UNSEEN
    silence = (at - seen_at) / cadence()
    for limit, found in ((MISSING, Freshness.MISSING), (OVERDUE, Freshness.OVERDUE), (LATE, Freshness.LATE)):
        if silence > limit:
            return found
    return Freshness.FRESH


def next_due(accepted_at: datetime, digest: bytes) -> datetime:
    """When the chips of a batch should prove themselves again: one cadence later, ± 5 % by the batch's digest.

    Fleets that come back all at once take servers down, so each batch gets its own, lasting offset.
    """
    share = int.from_bytes(digest[:4], "big") / 0xFFFFFFFF
    due = accepted_at + cadence() * (1 + JITTER * (2 * share - 1))
    return due.replace(microsecond=0)


def check_outage(outage: OutageDeclared, *, at: datetime) -> None:
    """Refuse an outage that ends before it begins, lasts too long, or is declared long after the fact."""
    if outage.ends_at <= outage.begins_at:
        raise Refused(
            "outage_ends_first", "An outage ends after it begins; name a later end.", field="ends_at"
        )
    if outage.ends_at - outage.begins_at > LONGEST_OUTAGE:
        raise Refused(
            "outage_too_long",
            "Declare an outage of at most 90 days; declare what goes beyond anew.",
            field="ends_at",
        )
    if outage.begins_at < at - EARLIEST_OUTAGE:
        raise Refused(
            "outage_too_late", "Declare an outage beforehand, or within 24 hours.", field="begins_at"
        )
