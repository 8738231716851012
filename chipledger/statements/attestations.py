"""Statements of the silicon: what chips proved, batched by the gateway of their site."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter, ValidationError

from chipledger import strict_json
from chipledger.refusals import Refused
from chipledger.statements.common import Base64, ChipName, Code, Digest, Instant, Part, SiteCode, Statement

MAX_BATCH: Final = 1000
MAX_CLAIMS: Final = 2048

ServerNonce = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,88}$")]
"""A nonce of the server in base64url; RFC 9711 §4.1 allows `eat_nonce` 8 to 88 characters in JSON."""


class ChipClaims(Part):
    """What a chip says of itself, in the names of RFC 9711 (EAT) where it has one.

    `seq` grows strictly for each chip; `prev` is the SHA-256 of the last claims that were accepted from it.
    """

    eat_nonce: ServerNonce
    ueid: ChipName
    seq: Annotated[int, Field(ge=1, le=2**53 - 1)]
    prev: Digest | None
    site: SiteCode
    iat: Instant


_CLAIMS: Final = TypeAdapter(ChipClaims)


class EvidenceItem(Part):
    """One chip's evidence: the claims exactly as the chip signed them, and its signature over their UTF-8 bytes.

    The signature is standard base64 of raw r‖s (P-256, P-384) or of 64 bytes of Ed25519.
    """

    claims: Annotated[str, Field(min_length=2, max_length=MAX_CLAIMS)]
    sig: Base64

    @cached_property
    def message(self) -> bytes:
        """The bytes the chip signed."""
        return self.claims.encode()

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the claims, which the chip's next evidence names as `prev` (32 bytes)."""
        return hashlib.sha256(self.message).digest()


class EvidenceCollected(Statement):
    """A gateway files the evidence of up to 1,000 chips that answered one server nonce at its site."""

    kind: Literal["evidence.collected"] = "evidence.collected"
    v: Literal[1] = 1
    site: SiteCode
    eat_nonce: ServerNonce
    items: Annotated[list[EvidenceItem], Field(min_length=1, max_length=MAX_BATCH)]

    @cached_property
    def readings(self) -> tuple[ChipClaims | Refused, ...]:
        """The claims of each item, read strictly and once; what cannot be read is its refusal (`claims_malformed`)."""
        return tuple(_read_claims(item.message) for item in self.items)


class OutageDeclared(Statement):
    """An operator says beforehand, or at once, why a site will be silent; it explains silence and proves nothing."""

    kind: Literal["outage.declared"] = "outage.declared"
    v: Literal[1] = 1
    site: SiteCode
    begins_at: Instant
    ends_at: Instant
    reason: Code


def _read_claims(message: bytes) -> ChipClaims | Refused:
    try:
        return _CLAIMS.validate_python(strict_json.parse_object(message, max_bytes=4 * MAX_CLAIMS))
    except Refused as refused:
        return Refused("claims_malformed", f"The claims cannot be read. {refused.sentence}", field="claims")
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        member = ".".join(str(part) for part in first["loc"])
        sentence = first["msg"].removeprefix("Value error, ").rstrip(".")
        sentence = f"The claims cannot be read. {member}: {sentence}. Correct it, and sign anew."
        return Refused("claims_malformed", sentence, field=f"claims.{member}")
