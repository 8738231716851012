"""Offline verification: whether a bundle proves what it says, given nothing but the log's public key.

The steps, in the order in which each statement passes them:

1. *parse*: bundle, envelope, payload and receipt are well formed.
2. *keys*: every signing key was introduced, at a lower log position, by a statement logged in full and signed by keys
   introduced before it, back to genesis at position 0, and was not revoked in the bundle before it signed.
3. *signatures*: exactly the signers named in the payload signed these bytes.
4. *entry*: the log entry is rebuilt from digest and time of acceptance (and the envelope where logged in full).
5. *checkpoint*: a key we trust signed the checkpoint of the receipt, under the origin the statement was made for.
6. *inclusion*: the entry is in the tree of that checkpoint, where the receipt says.

What this cannot show: that no revocation was left out of the bundle; the log's full entries are public for that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Final

from chipledger.bundles import EvidenceBundle, LoggedEnvelope
from chipledger.dsse import Envelope, parse_envelope
from chipledger.entries import encode_commitment, encode_full, is_logged_in_full
from chipledger.key_history import KeyHistory, KnownKey
from chipledger.keys import PublicKey
from chipledger.notes import Checkpoint, NoteKey
from chipledger.passkeys import verify_signature
from chipledger.receipts import LogReceipt, verify_entry_in, verify_receipt_checkpoint
from chipledger.refusals import Refused
from chipledger.statements import parse_payload
from chipledger.statements.common import Statement
from chipledger.statements.ledger import KeyAdded, KeyRotated, LedgerFounded

STEPS: Final = ("parse", "keys", "signatures", "entry", "checkpoint", "inclusion")


@dataclass(frozen=True)
class VerifiedStatement:
    """One statement that passed all steps. ``digest`` is hex; ``position`` is its place in the log."""

    digest: str
    kind: str
    organisation: str
    keys: tuple[str, ...]
    accepted_at: datetime
    position: int
    checkpoint: Checkpoint


@dataclass(frozen=True)
class Report:
    """What was proved: the statements of the bundle, and how many key statements they rest on."""

    origin: str
    statements: tuple[VerifiedStatement, ...]
    key_statements: int
    steps: tuple[str, ...] = STEPS


@dataclass(frozen=True)
class _Read:
    """A logged envelope after step 1."""

    logged: LoggedEnvelope
    envelope: Envelope
    body: Statement
    receipt: LogReceipt


class _Verifier:
    """The six steps over one bundle, with what is trusted."""

    def __init__(self, trusted: NoteKey, rp_id: str | None, origins: Sequence[str]) -> None:
        self._trusted = trusted
        self._rp_id = rp_id
        self._origins = origins
        self.chain = KeyHistory()
        self.key_statements: dict[bytes, VerifiedStatement] = {}

    def verify_key_statements(self, read: Sequence[tuple[str, _Read]]) -> Iterator[int]:
        """Walk the key statements in log order; yields each position before the next one is taken in."""
        for place, (where, item) in enumerate(read):
            yield item.receipt.index
            if place == 0:
                expected = self._genesis_signers(where, item)
            else:
                with _step(2, where):
                    expected = self.chain.signers_of(item.body)
                    if isinstance(item.body, KeyAdded | KeyRotated):
                        # The new key signs too, which proves that somebody holds it.
                        new = PublicKey.from_base64(item.body.key.spki)
                        expected[new.key_id] = KnownKey(
                            new, item.body.signers[0].organisation, item.body.key.purpose
                        )
            self.key_statements[item.envelope.digest] = self._verify_logged(where, item, expected)
            with _step(2, where):
                self.chain.apply(item.body)

    def verify_statement(self, where: str, item: _Read) -> VerifiedStatement:
        with _step(2, where):
            expected = self.chain.signers_of(item.body)
        return self._verify_logged(where, item, expected)

    def _genesis_signers(self, where: str, item: _Read) -> dict[str, KnownKey]:
        """Genesis introduces the keys it is signed by; what makes it ours is that the trusted key logged it first."""
        with _step(2, where):
            body = item.body
            if not isinstance(body, LedgerFounded) or item.receipt.index != 0:
                raise Refused(
                    "no_genesis",
                    "The bundle does not start from genesis at position 0; fetch the whole of it.",
                )
            if body.log_key != self._trusted.public.base64:
                raise Refused(
                    "wrong_log_key",
                    "Genesis names another log key than the trusted one; see which of them is right.",
                )
            first = KeyHistory()
            first.apply(body)
            if {signer.key for signer in body.signers} != first.keys.keys():
                raise Refused(
                    "signers_differ",
                    "Every first regulator's key signs genesis, and nobody else's; reject the bundle.",
                )
        return first.keys

    def _verify_logged(self, where: str, item: _Read, expected: dict[str, KnownKey]) -> VerifiedStatement:
        envelope, body = item.envelope, item.body
        with _step(3, where):
            if sorted(signature.keyid for signature in envelope.signatures) != sorted(expected):
                raise Refused(
                    "signers_differ",
                    "The signatures are not those of the signers named in the payload; reject the statement.",
                )
            for signature in envelope.signatures:
                known = expected[signature.keyid]
                if (known.purpose == "passkey") != (signature.webauthn is not None):
                    raise Refused(
                        "wrong_signature_form",
                        "A passkey signs as a passkey, and no other key does; reject the statement.",
                    )
                verify_signature(signature, known.public, envelope, rp_id=self._rp_id, origins=self._origins)
        with _step(4, where):
            if is_logged_in_full(body.kind):
                entry = encode_full(envelope.digest, item.logged.accepted_at, item.logged.envelope)
            else:
                entry = encode_commitment(envelope.digest, item.logged.accepted_at)
        with _step(5, where):
            checkpoint = verify_receipt_checkpoint(item.receipt, [self._trusted])
            if body.log != checkpoint.origin:
                raise Refused(
                    "wrong_log", "The statement was signed for another log; reject it here.", value=body.log
                )
        with _step(6, where):
            verify_entry_in(checkpoint, item.receipt, entry)
        return VerifiedStatement(
            digest=envelope.digest.hex(),
            kind=body.kind,
            organisation=body.signers[0].organisation,
            keys=tuple(expected),
            accepted_at=item.logged.accepted_at,
            position=item.receipt.index,
            checkpoint=checkpoint,
        )


def verify_bundle(
    raw: bytes, *, trusted_vkey: str, rp_id: str | None = None, origins: Sequence[str] = ()
) -> Report:
    """Verify everything in a bundle, or refuse with the step and the item at fault.

    ``trusted_vkey`` is the only trust anchor, and comes from elsewhere than the bundle. Passkey signatures need
    ``rp_id`` and ``origins`` of the site where people signed.
    """
    with _step(1, "bundle"):
        trusted = NoteKey.parse(trusted_vkey)
        bundle = EvidenceBundle.parse(raw)
        if bundle.origin != trusted.name:
            raise Refused(
                "wrong_log",
                "The bundle is of another log than the trusted key; give the key of its log, if you trust it.",
                value=bundle.origin,
            )
    sources: dict[bytes, tuple[str, _Read]] = {}
    for place, key in enumerate(bundle.keys):
        where = f"keys[{place}]"
        found = _read(where, key.source)
        with _step(2, where):
            if not is_logged_in_full(found.body.kind):
                raise Refused(
                    "not_a_key_statement",
                    "This statement introduces no key; reject the bundle.",
                    value=found.body.kind,
                )
        sources.setdefault(found.envelope.digest, (where, found))
    items = [(f"items[{place}]", _read(f"items[{place}]", item)) for place, item in enumerate(bundle.items)]
    for where, item in items:
        if is_logged_in_full(item.body.kind):
            sources.setdefault(item.envelope.digest, (where, item))

    verifier = _Verifier(trusted, rp_id, origins)
    ordered = sorted(sources.values(), key=lambda source: source[1].receipt.index)
    waiting = sorted(
        (item for item in items if not is_logged_in_full(item[1].body.kind)),
        key=lambda item: item[1].receipt.index,
    )
    verified: dict[str, VerifiedStatement] = {}
    for position in chain(verifier.verify_key_statements(ordered), (None,)):
        while waiting and (position is None or waiting[0][1].receipt.index < position):
            where, item = waiting.pop(0)
            verified[where] = verifier.verify_statement(where, item)
    _check_records(bundle, verifier.chain)
    statements = (
        verified.get(where) or verifier.key_statements[item.envelope.digest] for where, item in items
    )
    return Report(trusted.name, tuple(statements), len(ordered))


def _check_records(bundle: EvidenceBundle, chain: KeyHistory) -> None:
    """What the bundle says of its keys must be what their statements say."""
    for place, record in enumerate(bundle.keys):
        with _step(2, f"keys[{place}]"):
            known = chain.keys.get(record.key_id)
            if (
                known is None
                or known.organisation != record.organisation
                or known.public.base64 != record.spki
            ):
                raise Refused(
                    "unknown_key",
                    "No statement in the bundle introduces this key; fetch the whole bundle.",
                    value=record.key_id,
                )


def _read(where: str, logged: LoggedEnvelope) -> _Read:
    with _step(1, where):
        envelope = parse_envelope(logged.envelope)
        return _Read(logged, envelope, parse_payload(envelope.payload), LogReceipt.parse(logged.receipt))


@contextmanager
def _step(number: int, where: str) -> Iterator[None]:
    """Say in a refusal which step failed, and on what."""
    try:
        yield
    except Refused as refused:
        place = f"{where}.{refused.field}" if refused.field else where
        raise Refused(
            refused.code,
            f"Step {number} ({STEPS[number - 1]}) failed: {refused.sentence}",
            field=place,
            value=refused.value,
        ) from None
