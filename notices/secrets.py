"""Signing secrets of webhooks: made once, sealed at rest, opened to sign as Standard Webhooks says.

They are sealed with keys derived from SECRET_KEY and SECRET_KEY_FALLBACKS: the first seals, all open.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from chipledger.refusals import Refused
from notices.models import Webhook

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32


def new_secret() -> str:
    """32 random bytes, as receivers' libraries take them."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def seal(secret: str) -> str:
    """A secret as it is kept."""
    return _box().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """The secret again. Raises Refused when the house's own secret was changed and the old one is not at hand."""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Refused(
            "secret_unreadable",
            "The signing secret can no longer be read, because SECRET_KEY was changed; rotate the signing secret.",
            status=409,
        ) from None


def sign(webhook: Webhook, *, message: str, body: str, at: datetime) -> str:
    """The `webhook-signature`: by the present secret, and beside it by the one before while a rotation overlaps."""
    sealed = [webhook.sealed_secret]
    if webhook.previous_until is not None and at < webhook.previous_until:
        sealed.append(webhook.sealed_previous)
    content = f"{message}.{int(at.timestamp())}.{body}".encode()
    keys = (base64.b64decode(unseal(each).removeprefix(PREFIX)) for each in sealed)
    macs = (hmac.new(key, content, hashlib.sha256).digest() for key in keys)
    return " ".join(f"v1,{base64.b64encode(mac).decode()}" for mac in macs)


def _box() -> MultiFernet:
    return MultiFernet(_key(each) for each in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


def _key(secret: str) -> Fernet:
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"chipledger signing secrets of webhooks")
    return Fernet(base64.urlsafe_b64encode(derive.derive(secret.encode())))
