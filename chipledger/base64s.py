"""Base64 as strict formats need it: one text for one value, nothing skipped."""

from __future__ import annotations

import base64
import binascii

from chipledger.refusals import Refused


def encode(data: bytes) -> str:
    """Standard base64 with padding."""
    return base64.b64encode(data).decode("ascii")


def decode(text: str, *, field: str) -> bytes:
    """Bytes of standard base64 with padding; refuses every other spelling of the same bytes."""
    try:
        data = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except (ValueError, UnicodeEncodeError):
        raise _malformed(field, text) from None
    if encode(data) != text:
        raise _malformed(field, text)
    return data


def decode_either(text: str, *, field: str) -> bytes:
    """Bytes of standard or url-safe base64, with or without padding: DSSE readers must accept both alphabets.

    Texts that mix the alphabets or leave stray bits at the end are refused.
    """
    bare = text.rstrip("=")
    if "-" in bare or "_" in bare:
        if "+" in bare or "/" in bare:
            raise _malformed(field, text)
        bare = bare.replace("-", "+").replace("_", "/")
    padded = bare + "=" * (-len(bare) % 4)
    if len(text) != len(bare) and len(text) != len(padded):
        raise _malformed(field, text)
    return decode(padded, field=field)


def _malformed(field: str, text: str) -> Refused:
    shown = text[:40].encode("utf-8", "replace").decode("utf-8")
    return Refused(
        "base64_malformed", f"The member {field} is not base64; encode it so.", field=field, value=shown
    )
