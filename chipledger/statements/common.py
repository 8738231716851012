"""The vocabulary that every payload shares: names, digests, instants, keys, signers and chip selections."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    model_validator,
)

MAX_LIFETIME = timedelta(days=30)
MAX_INLINE_CHIPS = 500
MAX_MANIFEST_ROWS = 1_000_000
MAX_MANIFEST_BYTES = 512 * 1024 * 1024

Handle = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,62}$")]
SiteCode = Handle
ModelCode = Handle
Serial = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
ChipName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,62}/[A-Za-z0-9._-]{1,64}$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Base64 = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]+={0,2}$", max_length=4096)]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
BasisPoints = Annotated[int, Field(ge=1, le=10_000)]
Code = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")]
# Control characters, line ends, and what turns or hides text: two readers could see two different names, or none.
_UNSEEN: Final = (
    r"\p{Cc}\p{Zl}\p{Zp}\x{200B}\x{200E}\x{200F}\x{202A}-\x{202E}\x{2060}\x{2066}-\x{2069}\x{FEFF}"
)
Label = Annotated[
    str,
    Field(
        pattern=rf"^[^{_UNSEEN}\p{{Zs}}](?:[^{_UNSEEN}]*[^{_UNSEEN}\p{{Zs}}])?$", min_length=1, max_length=200
    ),
]
"""A name in any script, without control or invisible characters and without blanks around it."""
REFERENCE: Final = r"^[A-Za-z0-9 ._/#:-]{1,80}$"
Reference = Annotated[str, Field(pattern=REFERENCE)]


# `fromisoformat` reads more than RFC 3339 (weeks, ordinals, no separators) and drops digits beyond microseconds.
_RFC_3339: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z", re.ASCII)


def _parse_instant(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise ValueError("Write an instant in RFC 3339 and UTC, like 2026-01-31T12:00:00Z.")
    return datetime.fromisoformat(value)


def _whole_milliseconds(value: datetime) -> datetime:
    if value.utcoffset() != timedelta(0) or value.microsecond % 1000:
        raise ValueError("Give an instant in UTC, no finer than a millisecond.")
    if not 1970 <= value.year < 3000:
        raise ValueError("Give an instant between the years 1970 and 2999.")
    return value


def format_instant(value: datetime) -> str:
    """RFC 3339 in UTC, to the millisecond where there is one."""
    spec = "milliseconds" if value.microsecond else "seconds"
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=spec) + "Z"


Instant = Annotated[
    datetime,
    BeforeValidator(_parse_instant),
    AfterValidator(_whole_milliseconds),
    PlainSerializer(format_instant),
]


class Part(BaseModel):
    """A piece of a payload: unknown members, coercions and changes are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class SignerRef(Part):
    """Who signs: an organisation, by one of its keys, through a person known here only by a pseudonym."""

    organisation: Handle
    key: Digest
    person: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None


class Statement(Part):
    """What every statement says first: its kind and version, the log it is meant for, when, and by whom."""

    kind: str
    v: int
    log: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9./-]{1,126}$")]
    nonce: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    issued_at: Instant
    expires_at: Instant
    signers: Annotated[list[SignerRef], Field(min_length=1, max_length=8)]
    previous: Digest | None = None

    @model_validator(mode="after")
    def _lives_at_most_thirty_days(self) -> Self:
        if not self.issued_at < self.expires_at <= self.issued_at + MAX_LIFETIME:
            raise ValueError("Let expires_at lie after issued_at, at most 30 days.")
        if len({signer.key for signer in self.signers}) != len(self.signers):
            raise ValueError("The same key is named twice among the signers; name it once.")
        return self


class ManifestRef(Part):
    """The canonical file that a statement speaks about, by its content."""

    sha256: Digest
    size: Annotated[int, Field(ge=1, le=MAX_MANIFEST_BYTES)]
    rows: Annotated[int, Field(ge=1, le=MAX_MANIFEST_ROWS)]
    rows_root: Digest


class ChipSelection(Statement):
    """A statement about chips: a short list inside it, or a manifest beside it."""

    chips: Annotated[list[ChipName], Field(min_length=1, max_length=MAX_INLINE_CHIPS)] | None = None
    manifest: ManifestRef | None = None

    @model_validator(mode="after")
    def _names_chips_once(self) -> Self:
        if (self.chips is None) == (self.manifest is None):
            raise ValueError("Name the chips either in `chips` or in `manifest`.")
        if self.chips is not None and self.chips != sorted(set(self.chips)):
            raise ValueError("Sort `chips`, and name each chip once.")
        return self


class KeyGrant(Part):
    """A public key, what it may be used for, and the office it is held in."""

    spki: Base64
    purpose: Literal["statement", "passkey", "machine"]
    role: Literal["signatory", "administrator", "machine"]
    person: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None
    credential: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{16,1366}$")] | None = None

    @model_validator(mode="after")
    def _purpose_fits_office(self) -> Self:
        if (self.purpose == "machine") != (self.role == "machine"):
            raise ValueError("Give a machine's key the purpose and the role `machine`, and nobody else's.")
        if (self.purpose == "passkey") != (self.credential is not None):
            raise ValueError("Name the credential of a passkey, and none for another key.")
        return self


class Owner(Part):
    """A direct owner of an organisation, with its share in basis points and the day it began."""

    organisation: Handle
    share_bp: BasisPoints
    since: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
