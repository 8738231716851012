"""Server nonces: tokens that carry their own end, so that handing them out writes nothing. Their use is a row."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from django.conf import settings

from chipledger.refusals import Refused

LIFETIME: Final = timedelta(minutes=15)
CLOCK_SKEW: Final = timedelta(minutes=1)
"""How far the clocks of two servers may differ: a token from further ahead was not made by us."""

_RANDOM: Final = 16
_INSTANT: Final = 8
_MAC: Final = 32
_SIZE: Final = _RANDOM + _INSTANT + _MAC
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DOMAIN: Final = b"chipledger attestation nonce v1"


def issue_nonce(site: str, organisation: str, at: datetime) -> str:
    """A token for one batch of evidence from this site of this organisation, good for 15 minutes.

    Layout: 16 random bytes ‖ issued-at in ms (8 bytes, big-endian) ‖ HMAC-SHA256 (32 bytes), as 75 characters of
    base64url. Site and organisation are covered by the MAC without being carried, which keeps the token within the
    88 characters that RFC 9711 §4.1 allows an `eat_nonce`.
    """
    head = secrets.token_bytes(_RANDOM) + ((at - _EPOCH) // timedelta(milliseconds=1)).to_bytes(
        _INSTANT, "big"
    )
    return base64.urlsafe_b64encode(head + _mac(head, site, organisation)).decode().rstrip("=")


def open_nonce(token: str, site: str, organisation: str, at: datetime) -> datetime:
    """When the token was issued. Refused `nonce_unknown` when it was not made here for this site and organisation,
    and `nonce_expired` when its 15 minutes are over.
    """
    raw = _decode(token)
    head, mac = raw[:-_MAC], raw[-_MAC:]
    if len(raw) != _SIZE or not hmac.compare_digest(mac, _mac(head, site, organisation)):
        raise _unknown()
    milliseconds = int.from_bytes(head[_RANDOM:], "big")
    issued_at = _EPOCH + timedelta(milliseconds=milliseconds)
    if issued_at > at + CLOCK_SKEW:
        raise _unknown()
    if at > expiry_of(issued_at):
        raise Refused(
            "nonce_expired", "This nonce is older than 15 minutes; ask for a new one.", field="eat_nonce"
        )
    return issued_at


def expiry_of(issued_at: datetime) -> datetime:
    """The last instant at which a batch under a nonce issued then is accepted."""
    return issued_at + LIFETIME


def token_hash(token: str) -> bytes:
    """What is kept of a used nonce (32 bytes)."""
    return hashlib.sha256(token.encode()).digest()


def nonce_used() -> Refused:
    """The refusal of a second batch under one nonce."""
    sentence = "This nonce covers one batch, which was booked already; ask for a new one."
    return Refused("nonce_used", sentence, field="eat_nonce", status=409)


def _unknown() -> Refused:
    return Refused(
        "nonce_unknown",
        "This nonce was not issued here for this site and organisation; ask for a new one.",
        field="eat_nonce",
    )


def _decode(token: str) -> bytes:
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _unknown() from None
    # Stray bits in the last character would give one nonce several spellings, and so several uses.
    if base64.urlsafe_b64encode(raw).decode().rstrip("=") != token:
        raise _unknown()
    return raw


def _mac(head: bytes, site: str, organisation: str) -> bytes:
    # Neither name can hold a NUL, so the joined parts read in one way only.
    message = b"\0".join((head, site.encode(), organisation.encode()))
    return hmac.digest(_key(settings.SECRET_KEY), message, "sha256")


@lru_cache(maxsize=4)
def _key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), _DOMAIN, "sha256")
