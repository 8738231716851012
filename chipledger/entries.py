"""What the log stores per statement: a short commitment, or the whole envelope where everybody may read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from chipledger.refusals import Refused
from chipledger.tiles import MAX_ENTRY_BYTES

COMMITMENT: Final = 0x01
FULL: Final = 0x02
COMMITMENT_SIZE: Final = 41
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Commitment:
    """That a statement was accepted, and when, without saying what it is about.

    ``digest`` is SHA-256(PAE), 32 bytes; ``accepted_at`` is to the millisecond; ``envelope`` is there when the entry
    is logged in full.
    """

    digest: bytes
    accepted_at: datetime
    envelope: bytes | None = None

    @classmethod
    def parse(cls, entry: bytes) -> Commitment:
        """Read an entry of either layout: version ‖ digest ‖ milliseconds (u64, big-endian) ‖ envelope if in full."""
        version = entry[0] if entry else None
        fits = {
            COMMITMENT: len(entry) == COMMITMENT_SIZE,
            FULL: COMMITMENT_SIZE < len(entry) <= MAX_ENTRY_BYTES,
        }
        if version is None or not fits.get(version, False):
            raise Refused("entry_malformed", "The log entry has an unknown layout; fetch it anew.")
        try:
            accepted_at = _EPOCH + int.from_bytes(entry[33:41], "big") * _MILLISECOND
        except OverflowError:
            raise Refused("entry_malformed", "The log entry's time is out of range; fetch it anew.") from None
        return cls(entry[1:33], accepted_at, entry[41:] if version == FULL else None)


def encode_commitment(digest: bytes, accepted_at: datetime) -> bytes:
    """0x01 ‖ digest ‖ accepted-at in milliseconds since 1970 (u64, big-endian): 41 bytes."""
    return bytes((COMMITMENT,)) + _head(digest, accepted_at)


def encode_full(digest: bytes, accepted_at: datetime, envelope_json: bytes) -> bytes:
    """0x02 ‖ digest ‖ accepted-at ‖ the envelope exactly as received; refuses one that does not fit an entry."""
    entry = bytes((FULL,)) + _head(digest, accepted_at) + envelope_json
    if len(entry) > MAX_ENTRY_BYTES:
        raise Refused(
            "entry_too_large",
            f"This kind of statement is logged in full; shorten its envelope to at most {MAX_ENTRY_BYTES - 41} bytes.",
        )
    return entry


def is_logged_in_full(kind: str) -> bool:
    """Genesis, keys and organisations: anybody must be able to see which keys counted when."""
    return kind == "ledger.founded" or kind.startswith(("key.", "organisation."))


def _head(digest: bytes, accepted_at: datetime) -> bytes:
    if len(digest) != 32:
        raise ValueError("a digest has 32 bytes")
    return digest + ((accepted_at - _EPOCH) // _MILLISECOND).to_bytes(8, "big")
