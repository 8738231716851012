"""Statements about the log itself and about keys."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from chipledger.statements.common import (
    Base64,
    Country,
    Digest,
    Handle,
    Instant,
    KeyGrant,
    Label,
    Part,
    Statement,
)


class FirstRegulator(Part):
    """A regulator that stands at the beginning: nobody admitted it."""

    handle: Handle
    name: Label
    countries: Annotated[list[Country], Field(min_length=1, max_length=250)]
    keys: Annotated[list[KeyGrant], Field(min_length=1, max_length=8)]


class LedgerFounded(Statement):
    """Genesis: the log's name and key, and the first regulators, who all sign it."""

    kind: Literal["ledger.founded"] = "ledger.founded"
    v: Literal[1] = 1
    log_key: Base64
    regulators: Annotated[list[FirstRegulator], Field(min_length=1, max_length=8)]


class KeyAdded(Statement):
    """An administrator of an organisation gives a further key an office; the new key signs too."""

    kind: Literal["key.added"] = "key.added"
    v: Literal[1] = 1
    key: KeyGrant


class KeyRotated(Statement):
    """A key hands its office to its successor, which signs too; the old key ends here."""

    kind: Literal["key.rotated"] = "key.rotated"
    v: Literal[1] = 1
    retires: Digest
    key: KeyGrant


class SigningPolicyAdopted(Statement):
    """An administrator says what the organisation's signatures need. Limits are strict: *above* so many, two sign.

    `previous` is the digest of the policy that it replaces, absent for the first.
    """

    kind: Literal["signing_policy.adopted"] = "signing_policy.adopted"
    v: Literal[1] = 1
    refuses_synced: bool
    second_above_chips: Annotated[int, Field(ge=0, le=10**9)] | None = None
    second_above_tpp: Annotated[int, Field(ge=0, le=10**15)] | None = None


class KeyRevoked(Statement):
    """A key ends from this log position on; `suspected_since` flags what it signed before and invalidates nothing."""

    kind: Literal["key.revoked"] = "key.revoked"
    v: Literal[1] = 1
    key: Digest
    reason: Literal["retired", "lost", "compromised", "person_left"]
    suspected_since: Instant | None = None
