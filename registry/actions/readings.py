"""Keeping who read what of others."""

from __future__ import annotations

from datetime import datetime

from registry.access import Reader
from registry.models import Reading

LONGEST_ADDRESS = 2000


def note_reading(reader: Reader, *, address: str, at: datetime) -> Reading:
    """Keep that rows were read on behalf of this reader, under this address; filters stand in the address."""
    return Reading.objects.create(
        organisation=reader.organisation,
        person=reader.pseudonym,
        address=address[:LONGEST_ADDRESS],
        kinds=sorted(reader.asked),
        read_at=at,
    )
