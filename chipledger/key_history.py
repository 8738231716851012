"""Which keys count at a place in the log, as the key statements before it leave them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from chipledger.keys import PublicKey
from chipledger.refusals import Refused
from chipledger.statements.common import KeyGrant, Statement
from chipledger.statements.ledger import KeyAdded, KeyRevoked, KeyRotated, LedgerFounded
from chipledger.statements.registry import OrganisationAdmitted, OrganisationSuspended


@dataclass(frozen=True)
class KnownKey:
    """A key that counts: whose it is and how it signs."""

    public: PublicKey
    organisation: str
    purpose: str


@dataclass
class KeyHistory:
    """Keys and regulators as the key statements read so far leave them."""

    keys: dict[str, KnownKey] = field(default_factory=dict)
    regulators: set[str] = field(default_factory=set)
    ended_keys: set[str] = field(default_factory=set)
    suspended: set[str] = field(default_factory=set)

    def grant(self, organisation: str, grants: Sequence[KeyGrant]) -> None:
        for grant in grants:
            public = PublicKey.from_base64(grant.spki)
            if public.key_id in self.keys:
                raise Refused(
                    "key_known", "A key was introduced twice; reject the bundle.", value=public.key_id
                )
            self.keys[public.key_id] = KnownKey(public, organisation, grant.purpose)

    def apply(self, body: Statement) -> None:
        """Take in what a verified key statement changes."""
        speaker = body.signers[0].organisation
        if isinstance(body, LedgerFounded):
            for regulator in body.regulators:
                self.regulators.add(regulator.handle)
                self.grant(regulator.handle, regulator.keys)
        elif isinstance(body, KeyAdded | KeyRotated):
            self.grant(speaker, [body.key])
            if isinstance(body, KeyRotated):
                self.end(body.retires, by=speaker)
        elif isinstance(body, KeyRevoked):
            self.end(body.key, by=speaker)
        else:
            if speaker not in self.regulators:
                raise Refused(
                    "organisation_may_not_sign",
                    f"Only a regulator may sign {body.kind}; reject the bundle.",
                    value=speaker,
                )
            if isinstance(body, OrganisationAdmitted):
                if body.organisation_kind == "regulator":
                    self.regulators.add(body.handle)
                self.grant(body.handle, body.keys)
            elif isinstance(body, OrganisationSuspended):
                self.suspended.add(body.handle)

    def end(self, key_id: str, *, by: str) -> None:
        known = self.keys.get(key_id)
        if known is not None and known.organisation != by:
            raise Refused(
                "unknown_key", "An organisation ends its own keys only; reject the bundle.", value=key_id
            )
        self.ended_keys.add(key_id)

    def signers_of(self, body: Statement) -> dict[str, KnownKey]:
        """The keys that must have signed a statement, or Refused because one of them does not count."""
        found: dict[str, KnownKey] = {}
        for signer in body.signers:
            known = self.keys.get(signer.key)
            if known is None or known.organisation != signer.organisation:
                raise Refused(
                    "unknown_key",
                    "No earlier statement gives this key to the organisation; fetch the whole bundle.",
                    value=signer.key,
                )
            if signer.key in self.ended_keys:
                raise Refused(
                    "key_revoked",
                    "This key had ended when it signed; reject the statement.",
                    value=signer.key,
                )
            if signer.organisation in self.suspended:
                raise Refused(
                    "organisation_suspended",
                    "The organisation was suspended; reject the statement.",
                    value=signer.organisation,
                )
            found[signer.key] = known
        if len({known.organisation for known in found.values()}) != 1:
            raise Refused(
                "several_organisations", "All signers must belong to one organisation; reject the statement."
            )
        return found
