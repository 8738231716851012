"""The private keys of a simulated world, derived from its seed. They guard nothing: anybody can derive them again."""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from chipledger.keys import Algorithm, PrivateKey

_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the group of P-256 (SEC 2 §2.4.2)."""


def derive_key(seed: int, label: str) -> PrivateKey:
    """The P-256 key under a label: 512 bits of HMAC, reduced to a scalar without bias (FIPS 186-5 A.2.1)."""
    digest = hmac.digest(f"chipledger simulator {seed}".encode(), label.encode(), hashlib.sha512)
    scalar = int.from_bytes(digest, "big") % (_ORDER - 1) + 1
    return PrivateKey(Algorithm.P256, ec.derive_private_key(scalar, ec.SECP256R1()))


@lru_cache(maxsize=200_000)
def device_key(seed: int, chip: str) -> PrivateKey:
    """The key inside a chip."""
    return derive_key(seed, f"device {chip}")


@lru_cache(maxsize=4096)
def office_key(seed: int, handle: str) -> PrivateKey:
    """The key that an organisation's administrator signs with."""
    return derive_key(seed, f"office {handle}")


@lru_cache(maxsize=4096)
def machine_key(seed: int, handle: str) -> PrivateKey:
    """The key that an organisation's gateways sign with."""
    return derive_key(seed, f"machine {handle}")


def manifest_secret(seed: int, label: str) -> bytes:
    """The 32 bytes that salt the rows of a manifest."""
    return hmac.digest(f"chipledger simulator {seed}".encode(), f"manifest {label}".encode(), hashlib.sha256)
