"""Evidence bundles: statements with everything an outsider needs to verify them offline, in one JSON file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

from chipledger import base64s
from chipledger.dsse import MAX_ENVELOPE_BYTES
from chipledger.refusals import Refused
from chipledger.statements.common import Base64, Digest, Handle, Instant, Part, format_instant
from chipledger.strict_json import parse_object

FORMAT: Final = "chipledger-bundle@v1"
MAX_BUNDLE_BYTES: Final = 64 * 1024 * 1024

EnvelopeText = Annotated[str, Field(max_length=MAX_ENVELOPE_BYTES * 4 // 3 + 4)]
Receipt = Annotated[str, Field(max_length=128 * 1024)]


class _Item(Part):
    envelope: EnvelopeText
    accepted_at: Instant
    receipt: Receipt


class _KeyItem(_Item):
    key_id: Digest
    spki: Base64
    organisation: Handle


class _Log(Part):
    origin: str
    vkey: str


class _Bundle(Part):
    format: Literal["chipledger-bundle@v1"]
    items: Annotated[list[_Item], Field(min_length=1, max_length=10_000)]
    keys: Annotated[list[_KeyItem], Field(min_length=1, max_length=10_000)]
    log: _Log


@dataclass(frozen=True)
class LoggedEnvelope:
    """An envelope exactly as received, when it was accepted, and its log receipt (tlog-proof text)."""

    envelope: bytes
    accepted_at: datetime
    receipt: str


@dataclass(frozen=True)
class KeyRecord:
    """A key that counts in a bundle, and the statement that introduced (or ended) it: genesis, ``key.*`` or
    ``organisation.*``, all logged in full.
    """

    key_id: str
    spki: str
    """Standard base64."""
    organisation: str
    source: LoggedEnvelope


@dataclass(frozen=True)
class EvidenceBundle:
    """Statements to verify, and the keys behind them: every key that signed ``items`` and, back to genesis, every key
    that signed the statements introducing those. ``origin`` and ``vkey`` are claims; trust comes from outside.
    """

    items: tuple[LoggedEnvelope, ...]
    keys: tuple[KeyRecord, ...]
    origin: str
    vkey: str

    def to_json(self) -> bytes:
        """The bundle as JSON. Envelopes travel as base64 of their exact bytes, for those are what the log holds."""
        members = {
            "format": FORMAT,
            "items": [_members_of(item) for item in self.items],
            "keys": [
                {
                    "key_id": key.key_id,
                    "spki": key.spki,
                    "organisation": key.organisation,
                    **_members_of(key.source),
                }
                for key in self.keys
            ],
            "log": {"origin": self.origin, "vkey": self.vkey},
        }
        return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def parse(cls, raw: bytes) -> EvidenceBundle:
        """Read a bundle strictly; nothing is verified yet."""
        try:
            found = _Bundle.model_validate(parse_object(raw, max_bytes=MAX_BUNDLE_BYTES))
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise Refused(
                "bundle_malformed", f"This is no evidence bundle: {first['msg']}. Fetch it anew.", field=place
            ) from None
        keys = (KeyRecord(key.key_id, key.spki, key.organisation, _logged(key)) for key in found.keys)
        return cls(tuple(map(_logged, found.items)), tuple(keys), found.log.origin, found.log.vkey)


def _members_of(logged: LoggedEnvelope) -> dict[str, str]:
    return {
        "envelope": base64s.encode(logged.envelope),
        "accepted_at": format_instant(logged.accepted_at),
        "receipt": logged.receipt,
    }


def _logged(item: _Item) -> LoggedEnvelope:
    return LoggedEnvelope(base64s.decode(item.envelope, field="envelope"), item.accepted_at, item.receipt)
