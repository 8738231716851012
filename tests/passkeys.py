"""A passkey without a browser: what an authenticator signs, flag by flag (WebAuthn Level 3, §6.1)."""

from __future__ import annotations

import hashlib
import json
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import bytes_to_base64url

from chipledger.dsse import Signature, WebAuthnAssertion
from chipledger.keys import PrivateKey

PRESENT: Final = 0x01
VERIFIED: Final = 0x04
BACKUP_ELIGIBLE: Final = 0x08
BACKED_UP: Final = 0x10


def sign_with_passkey(
    key: PrivateKey,
    digest: bytes,
    *,
    rp_id: str,
    origin: str,
    flags: int = PRESENT | VERIFIED,
    **client: object,
) -> Signature:
    """The signature of a statement by its digest; ``client`` replaces members of the client data."""
    data = {
        "type": "webauthn.get",
        "challenge": bytes_to_base64url(digest),
        "origin": origin,
        "crossOrigin": False,
    }
    client_data = json.dumps(data | client).encode()
    authenticator_data = hashlib.sha256(rp_id.encode()).digest() + bytes((flags,)) + bytes(4)
    assert isinstance(key.handle, ec.EllipticCurvePrivateKey)
    der = key.handle.sign(
        authenticator_data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256())
    )
    return Signature(key.public.key_id, der, WebAuthnAssertion(authenticator_data, client_data))
