"""Public and private keys of organisations, people and chips. A key is its SubjectPublicKeyInfo, byte for byte."""

from __future__ import annotations

import binascii
import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from chipledger import base64s
from chipledger.refusals import Refused


class Algorithm(StrEnum):
    """Signature algorithms by the name of their curve."""

    P256 = "p256"
    """ECDSA P-256 with SHA-256: browsers, passkeys, KMS and HSM have it."""
    P384 = "p384"
    """ECDSA P-384 with SHA-384: keys inside chips only."""
    ED25519 = "ed25519"


STATEMENT_ALGORITHMS: Final = frozenset({Algorithm.P256, Algorithm.ED25519})
"""What organisations and people may sign statements with."""

DEVICE_ALGORITHMS: Final = frozenset(Algorithm)
"""What chips may sign evidence with."""

# DER of SubjectPublicKeyInfo has exactly one form per key here: a fixed head (algorithm, curve, uncompressed point)
# and the key. Comparing the head refuses BER, compressed points, explicit curves and trailing bytes in one step.
_HEADS: Final = {
    Algorithm.P256: bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004"),
    Algorithm.P384: bytes.fromhex("3076301006072a8648ce3d020106052b8104002203620004"),
    Algorithm.ED25519: bytes.fromhex("302a300506032b6570032100"),
}
_KEY_SIZES: Final = {Algorithm.P256: 64, Algorithm.P384: 96, Algorithm.ED25519: 32}
_SIGNATURE_SIZES: Final = {Algorithm.P256: 64, Algorithm.P384: 96, Algorithm.ED25519: 64}
_ECDSA: Final = {Algorithm.P256: ec.ECDSA(hashes.SHA256()), Algorithm.P384: ec.ECDSA(hashes.SHA384())}
_CURVES: Final[dict[Algorithm, ec.EllipticCurve]] = {
    Algorithm.P256: ec.SECP256R1(),
    Algorithm.P384: ec.SECP384R1(),
}

# Prime and b of y² = x³ - 3x + b (SEC 2 §2.4.2 and §2.5.1).
_WEIERSTRASS: Final = {
    Algorithm.P256: (
        2**256 - 2**224 + 2**192 + 2**96 - 1,
        0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    ),
    Algorithm.P384: (
        2**384 - 2**128 - 2**96 + 2**32 - 1,
        0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
    ),
}

_FIELD: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, -1, _FIELD) % _FIELD
# y of all eight points whose order divides 8; the sign bit of x tells the pairs apart (RFC 7748 §7 and the lists of
# Cremers and Jackson, "Prime, Order Please!", 2019). Under such a key, signatures verify that nobody made.
_SMALL_ORDER_Y: Final = frozenset(
    {
        0,
        1,
        _FIELD - 1,
        int.from_bytes(
            bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
        ),
        int.from_bytes(
            bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"
        ),
    }
)


@dataclass(frozen=True)
class PublicKey:
    """A key that statements or evidence are checked against; made by :meth:`from_spki` from untrusted bytes."""

    algorithm: Algorithm
    spki: bytes
    """SubjectPublicKeyInfo, DER (RFC 5480, RFC 8410)."""

    @classmethod
    def from_spki(cls, der: bytes, *, allowed: frozenset[Algorithm] = STATEMENT_ALGORITHMS) -> PublicKey:
        """The key in these bytes, or Refused: unknown or disallowed algorithm, not canonical DER, not a point of the
        curve, non-canonical or small-order Ed25519 key.
        """
        algorithm = _algorithm_of(der)
        if algorithm not in allowed:
            names = ", ".join(sorted(allowed))
            raise Refused(
                "key_algorithm_not_allowed", f"Keys of {algorithm} are not allowed here; use one of {names}."
            )
        if algorithm is Algorithm.ED25519:
            _check_ed25519_point(der[12:])
        key = cls(algorithm, der)
        try:
            _ = key._handle
        except (ValueError, UnsupportedAlgorithm):
            raise _not_on_curve() from None
        return key

    @classmethod
    def from_base64(cls, text: str, *, allowed: frozenset[Algorithm] = STATEMENT_ALGORITHMS) -> PublicKey:
        """The key in standard base64 of the SubjectPublicKeyInfo, as payloads carry it."""
        return cls.from_spki(base64s.decode(text, field="spki"), allowed=allowed)

    @cached_property
    def key_id(self) -> str:
        """Hex SHA-256 of the SubjectPublicKeyInfo."""
        return hashlib.sha256(self.spki).hexdigest()

    @property
    def base64(self) -> str:
        return base64s.encode(self.spki)

    @property
    def raw(self) -> bytes:
        """Key bytes without the DER head: 32 bytes of Ed25519, x‖y of ECDSA."""
        return self.spki[len(_HEADS[self.algorithm]) :]

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Whether ``signature`` (raw r‖s, or 64 bytes of Ed25519) is this key's over ``message``.

        ECDSA signatures have a second valid form (r, n-s), which is accepted: HSMs make either, and nothing is ever
        identified by its signature.
        """
        size = _SIGNATURE_SIZES[self.algorithm]
        if len(signature) != size:
            return False
        if self.algorithm is Algorithm.ED25519:
            return self._verify(signature, message)
        half = size // 2
        r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
        return self._verify(encode_dss_signature(r, s), message)

    @cached_property
    def _handle(self) -> ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey:
        """The key parsed, once for as long as somebody keeps it."""
        if self.algorithm is Algorithm.ED25519:
            return ed25519.Ed25519PublicKey.from_public_bytes(self.raw)
        return ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[self.algorithm], b"\4" + self.raw)

    def _verify(self, signature: bytes, message: bytes) -> bool:
        key = self._handle
        try:
            if isinstance(key, ed25519.Ed25519PublicKey):
                key.verify(signature, message)
            else:
                key.verify(signature, message, _ECDSA[self.algorithm])
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class PrivateKey:
    """A signing key in the hands of its owner; the server never holds one but the log's."""

    algorithm: Algorithm
    handle: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey = field(repr=False)

    @classmethod
    def generate(cls, algorithm: Algorithm) -> PrivateKey:
        if algorithm is Algorithm.ED25519:
            return cls(algorithm, ed25519.Ed25519PrivateKey.generate())
        return cls(algorithm, ec.generate_private_key(_CURVES[algorithm]))

    @classmethod
    def from_pem(cls, pem: bytes, *, password: bytes | None = None) -> PrivateKey:
        """A PKCS #8 or SEC 1 PEM file of P-256, P-384 or Ed25519; anything else is Refused."""
        try:
            handle = serialization.load_pem_private_key(pem, password)
        except TypeError:
            raise Refused(
                "key_password",
                "The key file needs a password, or was given one that it does not use; give the one that fits.",
            ) from None
        except (ValueError, UnsupportedAlgorithm):
            raise Refused(
                "key_unreadable", "The file holds no private key in PEM form; name one that does."
            ) from None
        if isinstance(handle, ed25519.Ed25519PrivateKey):
            return cls(Algorithm.ED25519, handle)
        if isinstance(handle, ec.EllipticCurvePrivateKey):
            for algorithm, curve in _CURVES.items():
                if handle.curve.name == curve.name:
                    return cls(algorithm, handle)
        raise Refused(
            "key_algorithm_unknown", "Only P-256, P-384 and Ed25519 keys can sign; make one of these."
        )

    @cached_property
    def public(self) -> PublicKey:
        der = self.handle.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return PublicKey(self.algorithm, der)

    def sign(self, message: bytes) -> bytes:
        """Raw signature: r‖s of fixed width for ECDSA, 64 bytes for Ed25519."""
        if isinstance(self.handle, ed25519.Ed25519PrivateKey):
            return self.handle.sign(message)
        r, s = decode_dss_signature(self.handle.sign(message, _ECDSA[self.algorithm]))
        half = _SIGNATURE_SIZES[self.algorithm] // 2
        return r.to_bytes(half, "big") + s.to_bytes(half, "big")

    def to_pem(self, *, password: bytes | None = None) -> bytes:
        """PKCS #8 PEM, encrypted when a password is given."""
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password is not None:
            encryption = serialization.BestAvailableEncryption(password)
        return self.handle.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
        )


def _algorithm_of(der: bytes) -> Algorithm:
    for algorithm, head in _HEADS.items():
        if der.startswith(head) and len(der) == len(head) + _KEY_SIZES[algorithm]:
            return algorithm
    raise _why_no_algorithm(der)


def _why_no_algorithm(der: bytes) -> Refused:
    """Tell a known key in another spelling from a key that has no place here."""
    try:
        key = serialization.load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm):
        return Refused(
            "key_malformed", "These bytes are no SubjectPublicKeyInfo; export the public key in that form."
        )
    known = isinstance(key, ed25519.Ed25519PublicKey) or (
        isinstance(key, ec.EllipticCurvePublicKey)
        and key.curve.name in {curve.name for curve in _CURVES.values()}
    )
    if known:
        return Refused(
            "key_not_canonical",
            "The key is not in its one canonical DER form; export it so (named curve, uncompressed point).",
        )
    return Refused("key_algorithm_unknown", "Only P-256, P-384 and Ed25519 keys are known; use one of these.")


def _not_on_curve() -> Refused:
    return Refused("key_not_on_curve", "The public key is not a point of its curve; make a new key.")


def _check_ed25519_point(encoded: bytes) -> None:
    """RFC 8032 §5.1.3: a canonical encoding of a point on the curve whose order is not small."""
    y = int.from_bytes(encoded, "little") & (2**255 - 1)
    if y >= _FIELD:
        raise Refused(
            "key_not_canonical", "The Ed25519 key is not the canonical encoding of a point; make a new one."
        )
    if y in _SMALL_ORDER_Y:
        raise Refused(
            "key_small_order", "The Ed25519 key has small order: anybody could sign for it. Make a new one."
        )
    # x² = (y² - 1) / (dy² + 1); a product is a square exactly when the quotient is, and spares the inverse.
    square = (y * y - 1) * (_D * y * y + 1) % _FIELD
    if pow(square, (_FIELD - 1) // 2, _FIELD) != 1:
        raise _not_on_curve()


def check_device_key(text: bytes) -> None:
    """Refuse the base64 of a canonical SubjectPublicKeyInfo whose point is none of its curve, or of small order.

    Plain arithmetic, because a manifest holds up to a million keys and parsing each would cost ten times as much.
    """
    der = binascii.a2b_base64(text)
    algorithm = _algorithm_of(der)
    if algorithm is Algorithm.ED25519:
        _check_ed25519_point(der[12:])
        return
    prime, b = _WEIERSTRASS[algorithm]
    half = _KEY_SIZES[algorithm] // 2
    x, y = int.from_bytes(der[-2 * half : -half], "big"), int.from_bytes(der[-half:], "big")
    if x >= prime or y >= prime or (y * y - (x * x - 3) * x - b) % prime:
        raise _not_on_curve()
