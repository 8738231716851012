"""What an organisation asks of its own signatures: passkeys that stay on one device, and a second person above a size.

The door looks at passkeys; a room that knows how much a statement moves asks whether two people must sign it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from chipledger.dsse import Envelope
from chipledger.passkeys import read_flags
from chipledger.refusals import Refused
from chipledger.statements.ledger import SigningPolicyAdopted
from ledger.handlers import B, Filing
from ledger.models import Key, KeyPurpose, KeyRole, Signer, SigningPolicy

Weigh = Callable[[], tuple[int, int]]
"""How many chips a statement moves, and their TPP together; asked only where a policy depends on it."""


def policy_of(signer: Signer) -> SigningPolicy | None:
    """The policy that an organisation has adopted for its own signatures."""
    return SigningPolicy.objects.filter(signer=signer).first()


def check_passkeys(envelope: Envelope, signer: Signer) -> None:
    """Refuse a signature of a passkey that may be copied to other devices, where its organisation does not want such.

    Whether it may is in the authenticator data, which the passkey itself has signed (WebAuthn Level 3, §6.1.3).
    """
    synced = [
        signature.keyid
        for signature in envelope.signatures
        if signature.webauthn is not None and read_flags(signature.webauthn).is_backup_eligible
    ]
    if not synced:
        return
    policy = policy_of(signer)
    if policy is not None and policy.refuses_synced:
        raise synced_refused(synced[0])


def synced_refused(key_id: str | None = None) -> Refused:
    """Why a synced passkey does not count here."""
    return Refused(
        "synced_passkey",
        "Your organisation does not sign with passkeys that are synced to other devices; "
        "use one that stays on its device, such as a security key, or sign offline.",
        field="signatures.keyid",
        value=key_id,
        status=403,
    )


def people_behind(keys: Iterable[Key]) -> set[str]:
    """The pseudonyms of the people to whom these keys were given; a key that belongs to nobody counts for nobody."""
    return {key.person for key in keys if key.person}


def check_second_person(filing: Filing[B], weigh: Weigh) -> None:
    """Refuse a statement above its organisation's limits that fewer than two of its people signed."""
    policy = policy_of(filing.signer)
    if policy is None or not policy.wants_second or len(people_behind(filing.keys)) > 1:
        return
    chips, tpp = weigh()
    for measured, limit, what in (
        (chips, policy.second_above_chips, "chips"),
        (tpp, policy.second_above_tpp, "TPP"),
    ):
        if limit is not None and measured > limit:
            raise Refused(
                "second_signatory_needed",
                f"Above {limit:,} {what} your organisation signs with two people; "
                "name the key of a second signatory.",
                field="signers",
                value=f"{measured} {what}",
                status=403,
            )


def check_adoption(body: SigningPolicyAdopted, *, signer: Signer, keys: Sequence[Key]) -> None:
    """Refuse a policy that builds on another one than the present, that one person loosens alone, or that locks out.

    An administrator's key must remain that may sign under it, or nobody could ever change it again.
    """
    present = policy_of(signer)
    named = None if present is None else bytes(present.statement.digest).hex()
    if body.previous != named:
        raise Refused(
            "stale_previous",
            "This has changed since; look at the present policy and build on it.",
            field="previous",
            value=body.previous,
            status=409,
        )
    if (
        present is not None
        and present.wants_second
        and _loosens(body, present)
        and len(people_behind(keys)) < 2
    ):
        raise Refused(
            "second_signatory_needed",
            "Two of your administrators loosen what needs two people; name the key of a second one.",
            field="signers",
            status=403,
        )
    administrators = Key.objects.filter(signer=signer, role=KeyRole.ADMINISTRATOR, revoked_at__isnull=True)
    if (
        body.refuses_synced
        and not administrators.exclude(purpose=KeyPurpose.PASSKEY, is_backup_eligible=True).exists()
    ):
        raise Refused(
            "locks_itself_out",
            "Every administrator's key of yours is a synced passkey; add one that is not before you refuse them.",
            field="refuses_synced",
            status=409,
        )


def _loosens(body: SigningPolicyAdopted, present: SigningPolicy) -> bool:
    limits = (
        (body.second_above_chips, present.second_above_chips),
        (body.second_above_tpp, present.second_above_tpp),
    )
    return (present.refuses_synced and not body.refuses_synced) or any(
        before is not None and (after is None or after > before) for after, before in limits
    )
