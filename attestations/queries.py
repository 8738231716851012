"""Reading the silicon: device keys and last sightings for the door, sightings and presence for pages and reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection
from django.db.models import QuerySet

from attestations.models import IdentityGrade, Presence, Sighting, UsedNonce
from attestations.nonces import token_hash
from attestations.rules import LastSeen
from registry.access import Reader, visible
from registry.models import Chip, Site

FIRST_SIGHTINGS: Final = 0x5167_4854
"""Advisory lock that one transaction at a time holds while it writes first sightings, which have no row to lock."""


@dataclass(frozen=True, slots=True)
class KnownChip:
    """A registered chip that evidence names; ``device_key`` is SubjectPublicKeyInfo DER."""

    id: int
    device_key: bytes | None
    is_seen: bool


@dataclass(frozen=True, slots=True)
class Stay:
    """A time in which a chip kept proving that it was at a site; the one that is still open ends at the last proof."""

    site: Site
    began_at: datetime
    ended_at: datetime
    is_latest: bool


def find_chips(names: Sequence[str]) -> dict[str, KnownChip]:
    """The registered ones of these chips (``maker/serial``), in one query."""
    if not names:
        return {}
    makers, serials = zip(*(name.split("/", 1) for name in names), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT named.maker || '/' || named.serial, chip.id, chip.device_key,
                      EXISTS (SELECT FROM attestations_sighting seen
                              WHERE seen.chip_id = chip.id AND seen.identity = %s)
               FROM unnest(%s::text[], %s::text[]) AS named (maker, serial)
               JOIN ledger_signer signer ON signer.handle = named.maker
               JOIN registry_chip chip ON chip.maker_id = signer.id AND chip.serial = named.serial""",
            [IdentityGrade.HARDWARE, list(makers), list(serials)],
        )
        return {
            name: KnownChip(chip, None if key is None else bytes(key), is_seen)
            for name, chip, key, is_seen in cursor.fetchall()
        }


def lock_last_seen(chips: Sequence[KnownChip], *, here: Site) -> dict[int, LastSeen]:
    """Hold the hardware sightings of these chips until the transaction ends, and read them, by chip id.

    Rows are locked in key order. A chip without one is held by the lock on first sightings, which is taken before
    any row, so that two transactions never wait for each other. Sites other than ``here`` are looked up afterwards: a
    join would silently drop a row whose site changed while we waited for it.
    """
    with connection.cursor() as cursor:
        if not all(chip.is_seen for chip in chips):
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [FIRST_SIGHTINGS])
        cursor.execute(
            """SELECT chip_id, seen_at, seq, claims_sha256, site_id FROM attestations_sighting
               WHERE chip_id = ANY (%s) AND identity = %s ORDER BY chip_id FOR NO KEY UPDATE""",
            [sorted(chip.id for chip in chips), IdentityGrade.HARDWARE],
        )
        rows = cursor.fetchall()
    sites = {here.pk: here}
    if elsewhere := {site for *_, site in rows} - sites.keys():
        sites |= Site.objects.in_bulk(elsewhere)
    return {
        chip: LastSeen(
            at, seq, bytes(digest), sites[site].code, sites[site].latitude_e7, sites[site].longitude_e7
        )
        for chip, at, seq, digest, site in rows
    }


def is_used(token: str) -> bool:
    """Whether a batch under this nonce was booked."""
    return UsedNonce.objects.filter(pk=token_hash(token)).exists()


def sightings_of(chip: Chip, *, reader: Reader) -> QuerySet[Sighting]:
    """The latest evidence of a chip for each identity grade that the reader may see, strongest first."""
    return (
        visible(reader, Sighting).select_related("site", "statement").filter(chip=chip).order_by("-identity")
    )


def stays_of(chip: Chip, *, reader: Reader) -> list[Stay]:
    """When the chip was where, as far as the reader may see, the newest first; at most 1,000."""
    closed = (
        visible(reader, Presence).select_related("site").filter(chip=chip).order_by("-began_at", "-id")[:1000]
    )
    latest = [
        Stay(sighting.site, sighting.present_since, sighting.seen_at, is_latest=True)
        for sighting in sightings_of(chip, reader=reader).filter(identity=IdentityGrade.HARDWARE)
    ]
    return latest + [Stay(stay.site, stay.began_at, stay.ended_at, is_latest=False) for stay in closed]


def last_of_chain(chip: Chip) -> Sighting | None:
    """The evidence that the chip's next one must go on from. It tells a number and a hash, never a place."""
    return (
        Sighting.objects.filter(chip=chip, identity=IdentityGrade.HARDWARE)
        .only("seq", "claims_sha256")
        .first()
    )
