"""The two shapes of a canonical manifest, and what each field of a row may look like."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_SLUG: Final = rb"[a-z0-9][a-z0-9-]{1,62}+"
_SERIAL: Final = rb"[A-Za-z0-9._-]{1,64}+"
# Base64 of the one canonical DER form of a P-256, P-384 or Ed25519 key (chipledger.keys), stray bits excluded.
_DEVICE_KEY: Final = (
    rb"(?:MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE[A-Za-z0-9+/]{85}[AQgw]=="
    rb"|MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE[A-Za-z0-9+/]{128}"
    rb"|MCowBQYDK2VwAyEA[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)?"
)


class Shape(StrEnum):
    """What the rows of a manifest are: new chips with their keys, or chips by name."""

    COMMISSION = "commission"
    CHIPS = "chips"

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(rule.name for rule in _RULES[self])

    @property
    def header(self) -> bytes:
        """The header line, LF included."""
        return ",".join(self.fields).encode() + b"\n"

    @property
    def rules(self) -> tuple[FieldRule, ...]:
        return _RULES[self]

    @property
    def block(self) -> re.Pattern[bytes]:
        """Matches any number of well-formed lines, LF included."""
        return _BLOCKS[self]


@dataclass(frozen=True)
class FieldRule:
    """What one field may contain, and how a fault in it is called. ``unique``: no two rows may share a value."""

    name: str
    pattern: bytes
    code: str
    sentence: str
    unique: bool = False

    def fits(self, value: bytes) -> bool:
        return re.fullmatch(self.pattern, value) is not None


_RULES: Final = {
    Shape.COMMISSION: (
        FieldRule(
            "model",
            _SLUG,
            "bad_model",
            "Give a chip model code of 2 to 63 characters of a-z, 0-9 and hyphen.",
        ),
        FieldRule(
            "serial",
            _SERIAL,
            "bad_serial",
            "Give a serial of 1 to 64 characters of letters, digits, dot, underscore and hyphen.",
            unique=True,
        ),
        FieldRule(
            "device_key",
            _DEVICE_KEY,
            "bad_device_key",
            "Give the base64 of a canonical P-256, P-384 or Ed25519 SubjectPublicKeyInfo, or leave it empty.",
            unique=True,
        ),
    ),
    Shape.CHIPS: (
        FieldRule("chip", _SLUG + b"/" + _SERIAL, "bad_chip", "Name a chip as maker/serial.", unique=True),
    ),
}
_BLOCKS: Final = {
    shape: re.compile(b"(?:" + b",".join(rule.pattern for rule in rules) + b"\n)*")
    for shape, rules in _RULES.items()
}
