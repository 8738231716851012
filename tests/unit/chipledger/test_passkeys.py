"""Passkey signatures: the person present and verified, on our site, over exactly this statement."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from webauthn.helpers import bytes_to_base64url

from chipledger.dsse import Envelope, Signature, parse_envelope, sign_payload
from chipledger.keys import Algorithm, PrivateKey
from chipledger.passkeys import PasskeyFlags, read_flags, verify_signature
from chipledger.refusals import Refused
from tests import passkeys
from tests.passkeys import BACKED_UP, BACKUP_ELIGIBLE, PRESENT, VERIFIED

SITE = "ledger.example"
ORIGIN = "https://ledger.example"
PASSKEY = PrivateKey.generate(Algorithm.P256)
PAPER = Envelope("application/vnd.chipledger.statement+json", b"{}", ())


def sign_with_passkey(digest: bytes, **how: Any) -> Signature:
    return passkeys.sign_with_passkey(PASSKEY, digest, **{"rp_id": SITE, "origin": ORIGIN, **how})


def refusal_of(signature: Signature, envelope: Envelope = PAPER, key: PrivateKey = PASSKEY) -> str:
    with pytest.raises(Refused) as refusal:
        verify_signature(signature, key.public, envelope, rp_id=SITE, origins=[ORIGIN])
    # Whoever verifies a bundle reads it too, and cannot sign for the signer.
    assert re.search(r"\bhave (it|this one) signed\b", refusal.value.sentence, re.IGNORECASE)
    return refusal.value.code


def test_a_passkey_signs_a_statement_and_travels_with_it() -> None:
    envelope = replace(PAPER, signatures=(sign_with_passkey(PAPER.digest),))
    found = parse_envelope(envelope.to_json())
    assert found == envelope
    verify_signature(found.signatures[0], PASSKEY.public, found, rp_id=SITE, origins=[ORIGIN])


def test_a_passkey_signature_of_something_else_is_refused() -> None:
    good = sign_with_passkey(PAPER.digest)
    assert refusal_of(good, replace(PAPER, payload=b"[]")) == "passkey_wrong_challenge"
    assert refusal_of(sign_with_passkey(PAPER.digest, rp_id="evil.example")) == "passkey_invalid"
    assert refusal_of(sign_with_passkey(PAPER.digest, flags=PRESENT)) == "passkey_invalid"
    assert refusal_of(sign_with_passkey(PAPER.digest, flags=VERIFIED)) == "passkey_invalid"
    assert (
        refusal_of(sign_with_passkey(PAPER.digest, origin="https://evil.example")) == "passkey_wrong_origin"
    )
    assert refusal_of(sign_with_passkey(PAPER.digest, crossOrigin=True)) == "passkey_cross_origin"
    assert refusal_of(sign_with_passkey(PAPER.digest, type="webauthn.create")) == "passkey_invalid"
    assert refusal_of(good, key=PrivateKey.generate(Algorithm.P256)) == "passkey_invalid"
    assert refusal_of(good, key=PrivateKey.generate(Algorithm.ED25519)) == "passkey_algorithm"
    assert refusal_of(replace(good, sig=good.sig[:-2])) in {"passkey_invalid", "passkey_malformed"}


def test_a_challenge_in_sloppy_base64_is_refused() -> None:
    sloppy = sign_with_passkey(PAPER.digest, challenge=bytes_to_base64url(PAPER.digest) + "=")
    assert refusal_of(sloppy) == "passkey_wrong_challenge"


def test_torn_authenticator_data_is_refused() -> None:
    good = sign_with_passkey(PAPER.digest)
    assert good.webauthn is not None
    torn = replace(good, webauthn=replace(good.webauthn, authenticator_data=b"\0" * 10))
    assert refusal_of(torn) in {"passkey_invalid", "passkey_malformed"}


def test_a_plain_signature_is_no_passkey_and_a_passkey_needs_its_site() -> None:
    plain = sign_payload(b"{}", [PASSKEY])
    verify_signature(plain.signatures[0], PASSKEY.public, plain, rp_id=None, origins=())
    with pytest.raises(Refused, match="passkey_not_expected"):
        verify_signature(sign_with_passkey(PAPER.digest), PASSKEY.public, PAPER, rp_id=None, origins=())
    assert refusal_of(replace(sign_with_passkey(PAPER.digest), webauthn=None)) == "signature_invalid"


def test_a_passkey_says_whether_it_may_leave_its_device_and_whether_it_has() -> None:
    for eligible, backed_up in ((False, False), (True, False), (True, True)):
        flags = PRESENT | VERIFIED | BACKUP_ELIGIBLE * eligible | BACKED_UP * backed_up
        signed = sign_with_passkey(PAPER.digest, flags=flags)
        verify_signature(signed, PASSKEY.public, PAPER, rp_id=SITE, origins=[ORIGIN])
        assert signed.webauthn is not None
        assert read_flags(signed.webauthn) == PasskeyFlags(eligible, backed_up)
