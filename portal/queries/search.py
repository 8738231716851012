"""Looking something up by its name, among what the reader may see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.db.models import Q
from django.urls import reverse

from ledger.models import Statement
from registry.access import Reader, visible
from registry.models import Chip, Organisation, Site
from tracking.models import Transfer

EACH: Final = 10
_HEX: Final = re.compile(r"[0-9a-f]{6,64}")


@dataclass(frozen=True)
class Hit:
    """Something found. ``is_exact``: it is called just so."""

    kind: str
    label: str
    detail: str
    url: str
    is_exact: bool


def find(asked: str, reader: Reader) -> list[Hit]:
    """At most ten of each kind whose name is this, or begins with it."""
    return [
        *_chips(asked, reader),
        *_digests(asked.lower(), reader),
        *_waybills(asked, reader),
        *_organisations(asked, reader),
        *_sites(asked, reader),
    ]


def _chips(asked: str, reader: Reader) -> Iterator[Hit]:
    maker, _, serial = asked.rpartition("/")
    # People type small letters; what is printed on chips is mostly capitals, and the index tells them apart.
    rows = visible(reader, Chip).filter(Q(serial__startswith=serial) | Q(serial__startswith=serial.upper()))
    if maker:
        rows = rows.filter(maker__signer__handle=maker)
    for chip in rows.select_related("maker__signer", "model").order_by("serial", "id")[:EACH]:
        handle = chip.maker.signer.handle
        yield Hit(
            "Chips",
            f"{handle}/{chip.serial}",
            chip.model.name,
            reverse("chip", args=[handle, chip.serial]),
            chip.serial in (serial, serial.upper()),
        )


def _digests(asked: str, reader: Reader) -> Iterator[Hit]:
    """Transfers and statements by the beginning of their digest."""
    if not _HEX.fullmatch(asked):
        return
    low, high = (bytes.fromhex(asked.ljust(64, digit)) for digit in "0f")
    within = Q(digest__gte=low, digest__lte=high)
    transfers = {bytes(row.digest) for row in visible(reader, Transfer).filter(within)[:EACH]}
    for digest in sorted(transfers):
        yield Hit(
            "Transfers",
            digest.hex()[:16],
            "",
            reverse("transfer", args=[digest.hex()]),
            asked == digest.hex(),
        )
    for statement in visible(reader, Statement).filter(within)[:EACH]:
        digest = bytes(statement.digest)
        if digest not in transfers:
            yield Hit(
                "Statements",
                digest.hex()[:16],
                statement.kind,
                reverse("statement", args=[digest.hex()]),
                asked == digest.hex(),
            )


def _waybills(asked: str, reader: Reader) -> Iterator[Hit]:
    """Transfers by the carrier's number, which is what a driver has."""
    rows = visible(reader, Transfer).filter(waybill=asked) if asked else Transfer.objects.none()
    for row in rows.order_by("-id")[:EACH]:
        digest = bytes(row.digest).hex()
        yield Hit("Transfers", digest[:16], f"waybill {asked}", reverse("transfer", args=[digest]), True)


def _organisations(asked: str, reader: Reader) -> Iterator[Hit]:
    rows = visible(reader, Organisation).filter(
        Q(signer__handle__startswith=asked) | Q(name__istartswith=asked)
    )
    for row in rows.select_related("signer").order_by("name", "pk")[:EACH]:
        handle = row.signer.handle
        yield Hit("Organisations", row.name, handle, reverse("organisation", args=[handle]), handle == asked)


def _sites(asked: str, reader: Reader) -> Iterator[Hit]:
    rows = visible(reader, Site).filter(Q(code__startswith=asked) | Q(name__istartswith=asked))
    for row in rows.order_by("code")[:EACH]:
        yield Hit("Sites", row.name, row.code, reverse("site", args=[row.code]), row.code == asked)
