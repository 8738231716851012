"""What the statements of this room do: genesis, and the lives of keys."""

from __future__ import annotations

from chipledger.refusals import Refused
from chipledger.statements.ledger import (
    KeyAdded,
    KeyRevoked,
    KeyRotated,
    LedgerFounded,
    SigningPolicyAdopted,
)
from ledger import actions
from ledger.book import keep
from ledger.handlers import Filing, Handler, Verdict, handles
from ledger.keys import key_ended, key_known, parse_grant
from ledger.models import Key, KeyRole, Signer, SignerKind, SigningPolicy
from ledger.signing_policies import check_adoption


@handles("ledger.founded")
class Founded(Handler[LedgerFounded]):
    """The first regulators and their keys stand. The door has checked that all of them signed."""

    def apply(self, filing: Filing[LedgerFounded], verdict: Verdict) -> None:
        for regulator in filing.body.regulators:
            actions.admit_signer(
                regulator.handle, SignerKind.REGULATOR, regulator.keys, by=filing.booked, at=filing.at
            )


@handles("key.added")
class Added(Handler[KeyAdded]):
    """An organisation's administrator adds a key."""

    def judge(self, filing: Filing[KeyAdded]) -> Verdict:
        _check_is_new(parse_grant(filing.body.key).key_id)
        return {}

    def apply(self, filing: Filing[KeyAdded], verdict: Verdict) -> None:
        actions.add_key(filing.signer, filing.body.key, by=filing.booked, at=filing.at)


@handles("key.rotated")
class Rotated(Handler[KeyRotated]):
    """A key hands its office to its successor."""

    def judge(self, filing: Filing[KeyRotated]) -> Verdict:
        retiring = _own_key(filing, filing.body.retires)
        if retiring.pk not in {key.pk for key in filing.keys}:
            raise Refused(
                "not_the_retiring_key",
                "A key is rotated by its own signature; sign with the key that retires.",
                field="retires",
                status=403,
            )
        if filing.body.key.role != retiring.role:
            raise Refused(
                "role_differs",
                f"The successor holds the same office; give it the role {retiring.role}.",
                field="key.role",
            )
        _check_is_new(parse_grant(filing.body.key).key_id)
        return {}

    def apply(self, filing: Filing[KeyRotated], verdict: Verdict) -> None:
        actions.add_key(filing.signer, filing.body.key, by=filing.booked, at=filing.at)
        actions.revoke_key(Key.objects.get(key_id=filing.body.retires), by=filing.booked, at=filing.at)


@handles("key.revoked")
class Revoked(Handler[KeyRevoked]):
    """A key ends. The last administrator's key cannot end, or nobody could add another."""

    def judge(self, filing: Filing[KeyRevoked]) -> Verdict:
        key = _own_key(filing, filing.body.key)
        others = Key.objects.filter(signer=key.signer, role=KeyRole.ADMINISTRATOR, revoked_at__isnull=True)
        if key.role == KeyRole.ADMINISTRATOR and not others.exclude(pk=key.pk).exists():
            raise Refused(
                "last_administrator", "Add another administrator's key before this one ends.", field="key"
            )
        return {}

    def apply(self, filing: Filing[KeyRevoked], verdict: Verdict) -> None:
        actions.revoke_key(
            Key.objects.get(key_id=filing.body.key),
            by=filing.booked,
            at=filing.at,
            suspected_since=filing.body.suspected_since,
        )


@handles("signing_policy.adopted")
class PolicyAdopted(Handler[SigningPolicyAdopted]):
    """What the organisation's own signatures need from here on."""

    looks_at_previous = True

    def judge(self, filing: Filing[SigningPolicyAdopted]) -> Verdict:
        check_adoption(filing.body, signer=filing.signer, keys=filing.keys)
        return {}

    def apply(self, filing: Filing[SigningPolicyAdopted], verdict: Verdict) -> None:
        actions.adopt_signing_policy(filing.signer, filing.body, by=filing.booked)


def _check_is_new(key_id: str) -> None:
    if Key.objects.filter(key_id=key_id).exists():
        raise key_known(key_id, field="key.spki")


def _own_key(filing: Filing[KeyRotated] | Filing[KeyRevoked], key_id: str) -> Key:
    """The organisation's own key. The door holds the signer's row alone, so nothing is signed with it meanwhile."""
    key = Key.objects.filter(key_id=key_id, signer=filing.signer).first()
    if key is None:
        raise Refused(
            "unknown_key",
            "This organisation has no such key; name one of its own.",
            field="key",
            value=key_id,
            status=404,
        )
    if key.revoked_at is not None:
        raise key_ended(key_id)
    return key


keep(Signer, "SELECT handle, kind, standing FROM ledger_signer")
keep(
    Key,
    """SELECT signer.handle, key_id, algorithm, spki, purpose, role, person, credential,
              is_backup_eligible, is_backed_up, added_by_id, added_at,
              revoked_by_id, revoked_at, suspected_since
       FROM ledger_key JOIN ledger_signer signer ON signer.id = signer_id""",
)
keep(
    SigningPolicy,
    """SELECT signer.handle, refuses_synced, second_above_chips, second_above_tpp, statement_id
       FROM ledger_signingpolicy JOIN ledger_signer signer ON signer.id = signer_id""",
)
