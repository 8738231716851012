"""Who may sign what: one table, read by the door, printed in the docs, and covered cell by cell in a test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from chipledger.refusals import Refused
from ledger.models import Key, KeyRole, Signer, SignerKind

K, R = SignerKind, KeyRole
ANYBODY: Final = frozenset(SignerKind)
HOLDERS: Final = frozenset({K.MANUFACTURER, K.INTEGRATOR, K.DISTRIBUTOR, K.OPERATOR})
REGULATORS: Final = frozenset({K.REGULATOR})
PEOPLE: Final = frozenset({R.SIGNATORY, R.ADMINISTRATOR})
ADMINISTRATORS: Final = frozenset({R.ADMINISTRATOR})
MACHINES: Final = frozenset({R.MACHINE})


@dataclass(frozen=True)
class Grant:
    """The kinds of organisation and the offices of keys that may sign a kind of statement."""

    organisations: frozenset[SignerKind]
    roles: frozenset[KeyRole]


AUTHORITY: Final[dict[str, Grant]] = {
    "ledger.founded": Grant(REGULATORS, ADMINISTRATORS),
    "key.added": Grant(ANYBODY, ADMINISTRATORS),
    "key.rotated": Grant(ANYBODY, PEOPLE | MACHINES),
    "key.revoked": Grant(ANYBODY, ADMINISTRATORS),
    "signing_policy.adopted": Grant(ANYBODY, ADMINISTRATORS),
    "organisation.admitted": Grant(REGULATORS, PEOPLE),
    "organisation.amended": Grant(REGULATORS, PEOPLE),
    "organisation.suspended": Grant(REGULATORS, PEOPLE),
    "model.published": Grant(frozenset({K.MANUFACTURER}), PEOPLE),
    "site.declared": Grant(HOLDERS, PEOPLE),
    "site.amended": Grant(HOLDERS, PEOPLE),
    "chips.commissioned": Grant(frozenset({K.MANUFACTURER}), PEOPLE | MACHINES),
    "stock.opened": Grant(HOLDERS, PEOPLE),
    "transfer.dispatched": Grant(HOLDERS, PEOPLE),
    "transfer.received": Grant(HOLDERS, PEOPLE),
    "transfer.settled": Grant(HOLDERS, PEOPLE),
    "transfer.voided": Grant(HOLDERS, PEOPLE),
    "chips.installed": Grant(HOLDERS, PEOPLE | MACHINES),
    "chips.removed": Grant(HOLDERS, PEOPLE | MACHINES),
    "chips.lost": Grant(HOLDERS, PEOPLE),
    "chips.stolen": Grant(HOLDERS, PEOPLE),
    "chips.recovered": Grant(HOLDERS, PEOPLE),
    "chips.retired": Grant(HOLDERS, PEOPLE),
    "chips.destroyed": Grant(HOLDERS, PEOPLE),
    "stock.counted": Grant(HOLDERS, PEOPLE),
    "statement.corrected": Grant(HOLDERS, PEOPLE),
    "evidence.collected": Grant(HOLDERS, MACHINES),
    "outage.declared": Grant(HOLDERS, PEOPLE | MACHINES),
    "policy.published": Grant(REGULATORS, PEOPLE),
    "finding.explained": Grant(HOLDERS, PEOPLE),
    "finding.decided": Grant(REGULATORS, PEOPLE),
}


def check_may_sign(kind: str, *, signer: Signer, keys: list[Key]) -> None:
    """Refuse a statement that this organisation, or one of these keys, has no authority over."""
    grant = AUTHORITY[kind]
    if signer.kind not in grant.organisations:
        raise Refused(
            "organisation_may_not_sign",
            f"An organisation of kind {signer.kind} may not sign {kind}; "
            f"leave it to one of kind {_any_of(grant.organisations)}.",
            field="signers.organisation",
            value=signer.handle,
            status=403,
        )
    for key in keys:
        if key.role not in grant.roles:
            raise Refused(
                "role_may_not_sign",
                f"A key held as {key.role} may not sign {kind}; sign with one held as {_any_of(grant.roles)}.",
                field="signers.key",
                value=key.key_id,
                status=403,
            )


def _any_of(choices: frozenset[SignerKind] | frozenset[KeyRole]) -> str:
    return " or ".join(sorted(choices))
