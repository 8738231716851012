"""Keys: one canonical form each, no weak ones, and signatures that verify only what was signed."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from functools import partial

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from chipledger.dsse import Envelope, Signature, sign_payload
from chipledger.keys import (
    DEVICE_ALGORITHMS,
    STATEMENT_ALGORITHMS,
    Algorithm,
    PrivateKey,
    PublicKey,
    check_device_key,
)
from chipledger.refusals import Refused

ED25519_HEAD = bytes.fromhex("302a300506032b6570032100")
P = 2**255 - 19
N_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

# The encodings listed by Chalkias, Garillot and Nikolaenko, "Taming the many EdDSAs" (SSR 2020), table of small-order
# points, canonical and not.
SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
]
NON_CANONICAL = [
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]


def code_of(der: bytes, allowed: frozenset[Algorithm] = STATEMENT_ALGORITHMS) -> str:
    with pytest.raises(Refused) as refusal:
        PublicKey.from_spki(der, allowed=allowed)
    return refusal.value.code


def spki_of(key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_key_verifies_what_it_signed_and_nothing_else(algorithm: Algorithm) -> None:
    private = PrivateKey.from_pem(PrivateKey.generate(algorithm).to_pem())
    public = PublicKey.from_spki(private.public.spki, allowed=DEVICE_ALGORITHMS)
    signature = private.sign(b"statement")
    assert len(signature) == (96 if algorithm is Algorithm.P384 else 64)
    assert public.verify(signature, b"statement")
    assert not public.verify(signature, b"statemenT")
    assert not public.verify(signature[:-1], b"statement")
    assert not public.verify(b"", b"statement")
    assert not public.verify(bytes(len(signature)), b"statement")
    assert not PrivateKey.generate(algorithm).public.verify(signature, b"statement")
    assert public.key_id == hashlib.sha256(public.spki).hexdigest()


def test_rfc_8032_vector_verifies() -> None:
    """RFC 8032 §7.1, TEST 2."""
    public = PublicKey.from_spki(
        ED25519_HEAD + bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    )
    signature = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert public.verify(signature, b"\x72")


@pytest.mark.parametrize("encoded", SMALL_ORDER + NON_CANONICAL)
def test_small_order_and_non_canonical_ed25519_keys_are_refused(encoded: str) -> None:
    assert code_of(ED25519_HEAD + bytes.fromhex(encoded)) in {"key_small_order", "key_not_canonical"}


@pytest.mark.parametrize("encoded", SMALL_ORDER)
def test_the_listed_keys_are_loaded_by_the_library_underneath(encoded: str) -> None:
    """The refusal is ours: should the library begin to refuse them itself, this test says that ours may go."""
    ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(encoded))


def test_ed25519_bytes_that_are_no_point_are_refused() -> None:
    no_point = next(
        y
        for y in range(2, 50)
        if pow((y * y - 1) * pow(-121665 * pow(121666, -1, P) * y * y + 1, -1, P), (P - 1) // 2, P) == P - 1
    )
    assert code_of(ED25519_HEAD + no_point.to_bytes(32, "little")) == "key_not_on_curve"


def test_other_spellings_and_curves_are_refused() -> None:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    der = spki_of(key)
    compressed = key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
    short_form = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200") + compressed
    assert code_of(short_form) == "key_not_canonical"
    assert code_of(der + b"\0") == "key_malformed"
    assert code_of(b"\x30\x81\x59" + der[2:]) == "key_malformed"
    assert code_of(der[:-1]) == "key_malformed"
    assert code_of(b"") == "key_malformed"
    assert code_of(der[:-1] + bytes([der[-1] ^ 1])) == "key_not_on_curve"
    assert code_of(spki_of(ec.generate_private_key(ec.SECP521R1()).public_key())) == "key_algorithm_unknown"
    assert code_of(spki_of(rsa.generate_private_key(65537, 2048).public_key())) == "key_algorithm_unknown"
    assert code_of(PrivateKey.generate(Algorithm.P384).public.spki) == "key_algorithm_not_allowed"


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_the_quick_check_of_device_keys_agrees_with_the_full_one(algorithm: Algorithm) -> None:
    public = PrivateKey.generate(algorithm).public
    check_device_key(public.base64.encode())
    verdicts = set()
    for place in range(-24, 0):
        bent = bytearray(public.spki)
        bent[place] ^= 2
        full = refusal_code(partial(PublicKey.from_spki, bytes(bent), allowed=DEVICE_ALGORITHMS))
        assert refusal_code(partial(check_device_key, base64.b64encode(bent))) == full
        verdicts.add(full)
    assert "key_not_on_curve" in verdicts


def refusal_code(check: Callable[[], object]) -> str | None:
    try:
        check()
    except Refused as refusal:
        return refusal.code
    return None


def test_a_malleated_signature_verifies_and_leaves_the_identity_alone() -> None:
    key = PrivateKey.generate(Algorithm.P256)
    envelope = sign_payload(b'{"kind":"x"}', [key])
    sig = envelope.signatures[0].sig
    s = N_P256 - int.from_bytes(sig[32:], "big")
    malleated = sig[:32] + s.to_bytes(32, "big")
    assert malleated != sig
    assert key.public.verify(malleated, envelope.pae)
    twin = Envelope(envelope.payload_type, envelope.payload, (Signature(key.public.key_id, malleated),))
    assert twin.digest == envelope.digest


def test_pem_files_of_other_kinds_are_refused() -> None:
    pem = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(Refused, match="key_algorithm_unknown"):
        PrivateKey.from_pem(pem)
    with pytest.raises(Refused, match="key_unreadable"):
        PrivateKey.from_pem(b"-----BEGIN NOTHING-----")
    locked = PrivateKey.generate(Algorithm.P256).to_pem(password=b"secret")
    with pytest.raises(Refused, match="key_password"):
        PrivateKey.from_pem(locked)
    assert PrivateKey.from_pem(locked, password=b"secret").algorithm is Algorithm.P256
