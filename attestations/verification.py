"""Verifying many device signatures at once, on two cores."""

from __future__ import annotations

import binascii
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache
from typing import Final

from chipledger.keys import DEVICE_ALGORITHMS, PublicKey
from chipledger.refusals import Refused
from chipledger.statements.attestations import EvidenceItem

WORTH_A_THREAD: Final = 16
"""From so many signatures on, a second thread saves more than it costs."""

Check = tuple[bytes, EvidenceItem]
"""A device key (SubjectPublicKeyInfo DER) and the item it should have signed."""


def verify_signatures(checks: Sequence[Check]) -> list[bool]:
    """Whether each item was signed by its device key, in the order given.

    Verification releases the interpreter's lock, so that half of the work runs in another thread.
    """
    if len(checks) < WORTH_A_THREAD:
        return _verify_all(checks)
    half = len(checks) // 2
    second = _pool(os.getpid()).submit(_verify_all, checks[half:])
    return _verify_all(checks[:half]) + second.result()


def _verify_all(checks: Sequence[Check]) -> list[bool]:
    return [_verify(key, item) for key, item in checks]


def _verify(spki: bytes, item: EvidenceItem) -> bool:
    try:
        signature = binascii.a2b_base64(item.sig.encode("ascii"), strict_mode=True)
        return _device_key(spki).verify(signature, item.message)
    except (binascii.Error, Refused):
        return False


@lru_cache(maxsize=32_768)
def _device_key(spki: bytes) -> PublicKey:
    return PublicKey.from_spki(spki, allowed=DEVICE_ALGORITHMS)


@cache
def _pool(process: int) -> ThreadPoolExecutor:
    """The threads of this process; a fork inherits none, and so makes its own."""
    return ThreadPoolExecutor(max_workers=2, thread_name_prefix="verify")
