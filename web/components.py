"""What the components show: plain values that views build and the template tags of `components` draw."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from chipledger import base64s
from chipledger.dsse import STATEMENT_TYPE, pae
from chipledger.refusals import Refused

CHIPS_PER_SERVER = 8
BAR_ENDS_AT = 2.0


class Severity(IntEnum):
    """The five steps of a finding, mildest first; each has a shape, a word and a colour."""

    NOTE = 1
    MINOR = 2
    MODERATE = 3
    SERIOUS = 4
    CRITICAL = 5


class Side(StrEnum):
    """Which account something belongs to."""

    BOOK = "book"
    SILICON = "silicon"
    AUDIT = "audit"


class Tone(StrEnum):
    """What a badge means; the word always says it too."""

    PLAIN = "plain"
    BOOK = "book"
    SILICON = "silicon"
    GAP = "gap"
    GOOD = "good"
    WAIT = "wait"


@dataclass(frozen=True)
class Column:
    """A column of a table. `sort` is the word that `?sort=` takes for it, `key` the one that `?columns=` takes.

    `exports` are the names under which an export tells what the column shows, `key` itself when there is but one.
    """

    label: str
    sort: str | None = None
    numeric: bool = False
    key: str = ""
    exports: tuple[str, ...] = ()


@dataclass(frozen=True)
class Event:
    """One thing that happened, in a timeline. `position` is its place in the log."""

    at: datetime
    title: str
    side: Side = Side.BOOK
    text: str = ""
    url: str | None = None
    position: int | None = None


@dataclass(frozen=True)
class AgainstLine:
    """A measure as a share of a line, for a bar that ends at twice the line."""

    share: float
    is_above: bool

    @property
    def percent(self) -> str:
        return f"{self.share:,.0%}"

    @property
    def bar(self) -> str:
        """How wide the bar is."""
        return f"{100 * min(self.share, BAR_ENDS_AT) / BAR_ENDS_AT:.1f}%"

    @property
    def line(self) -> str:
        """Where the line stands."""
        return f"{100 / BAR_ENDS_AT:.1f}%"


class FactKind(StrEnum):
    """How a fact is set."""

    TEXT = "text"
    SERIAL = "serial"
    DIGEST = "digest"
    NUMBER = "number"


@dataclass(frozen=True)
class Fact:
    """A term and what the statement says about it."""

    term: str
    text: str | int
    url: str | None = None
    kind: FactKind = FactKind.TEXT


@dataclass(frozen=True)
class Proof:
    """Where a statement stands in the log, and how to check it without us. Hashes are lower-case hex."""

    origin: str
    position: int
    tree_size: int
    root_hash: str
    leaf_hash: str
    path: tuple[str, ...] = ()
    bundle_url: str | None = None
    checkpoint_url: str | None = None


@dataclass(frozen=True)
class SignatureMark:
    """Who signed, with which key. `person` is the pseudonym that the payload carries."""

    organisation: str
    key_id: str
    algorithm: str
    person: str = ""
    key_url: str | None = None


@dataclass(frozen=True)
class Paper:
    """A statement as a document: who says what about which chips, when, by which key, where in the log.

    `payload` is the exact signed bytes; without `proof` the statement waits for its place in the log; without
    `digest` it is not yet filed.
    """

    title: str
    kind: str
    sentence: str
    payload: bytes
    issued_at: datetime | None = None
    accepted_at: datetime | None = None
    facts: tuple[Fact, ...] = ()
    chips: tuple[str, ...] = ()
    chips_total: int | None = None
    chips_url: str | None = None
    signatures: tuple[SignatureMark, ...] = ()
    digest: str = ""
    url: str | None = None
    proof: Proof | None = None

    @property
    def exact_text(self) -> str:
        """The signed bytes as text; payloads are UTF-8 by rule, and anything else shows as it is escaped."""
        return self.payload.decode("utf-8", "backslashreplace")

    @property
    def chips_beyond(self) -> int:
        """How many of the chips the paper does not list."""
        return max(0, (self.chips_total or 0) - len(self.chips))


@dataclass(frozen=True)
class SigningCredential:
    """A passkey that may sign here: its credential id, and the id of the key in our record."""

    credential_id: bytes
    key_id: str


@dataclass(frozen=True)
class SigningRequest:
    """Everything the signing form needs. It posts the DSSE envelope as the field `envelope` to `action`.

    `frozen` are further hidden fields, such as the id of the selection that the server froze. `envelope_url` downloads
    the envelope with the signatures so far.
    """

    paper: Paper
    action: str
    rp_id: str
    credentials: Sequence[SigningCredential] = ()
    frozen: Sequence[tuple[str, str]] = ()
    refusal: Refused | str | None = None
    payload_type: str = STATEMENT_TYPE
    button: str = "Sign with passkey"
    envelope_url: str = ""

    @property
    def payload(self) -> str:
        """The bytes to be signed, standard base64."""
        return base64s.encode(self.paper.payload)

    @property
    def encoded(self) -> str:
        """The PAE, which is what a signature covers, standard base64."""
        return base64s.encode(pae(self.payload_type, self.paper.payload))

    @property
    def digest(self) -> str:
        """SHA-256 of the PAE in hex: the identity that the statement will have."""
        return hashlib.sha256(pae(self.payload_type, self.paper.payload)).hexdigest()

    @property
    def challenge(self) -> str:
        """The same digest as the WebAuthn challenge, base64url without padding."""
        return _base64url(bytes.fromhex(self.digest))

    @property
    def allowed(self) -> str:
        """The passkeys that may answer, as JSON for the script."""
        return json.dumps([{"id": _base64url(c.credential_id), "keyid": c.key_id} for c in self.credentials])


def in_servers(chips: Sequence[str]) -> list[Sequence[str]]:
    """Chips in groups of eight, as they sit in servers."""
    return [chips[start : start + CHIPS_PER_SERVER] for start in range(0, len(chips), CHIPS_PER_SERVER)]


def _base64url(data: bytes) -> str:
    return base64s.encode(data).rstrip("=").replace("+", "-").replace("/", "_")
