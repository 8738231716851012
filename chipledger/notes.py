"""Signed notes and the checkpoints they carry (C2SP signed-note, tlog-checkpoint): what the log signs about itself."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from chipledger import base64s
from chipledger.keys import Algorithm, PrivateKey, PublicKey
from chipledger.merkle import HASH_SIZE, MAX_SIZE
from chipledger.refusals import Refused

_ED25519: Final = b"\x01"
_SPKI_HEAD: Final = bytes.fromhex("302a300506032b6570032100")
_MAX_NOTE: Final = 64 * 1024
_MAX_SIGNATURES: Final = 64
_NAME: Final = r"[^\s+\x00-\x1f]{1,255}"
_SIGNATURE_LINE: Final = re.compile(rf"— (?P<name>{_NAME}) (?P<data>[A-Za-z0-9+/]+=*)")
_VKEY: Final = re.compile(rf"(?P<name>{_NAME})\+(?P<id>[0-9a-f]{{8}})\+(?P<key>[A-Za-z0-9+/]+=*)")
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True)
class Checkpoint:
    """The log's signed word about its size and root. ``origin`` is the log's name; ``root`` has 32 bytes."""

    origin: str
    size: int
    root: bytes

    @property
    def body(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64s.encode(self.root)}\n"

    @classmethod
    def parse(cls, body: str) -> Checkpoint:
        """Exactly three lines, no extension lines; refuses anything else."""
        lines = body.split("\n")
        if len(lines) != 4 or lines[3] or not lines[0] or not _SIZE.fullmatch(lines[1]):
            raise Refused(
                "checkpoint_malformed", "A checkpoint has three lines: origin, size and root. Fetch it anew."
            )
        size, root = int(lines[1]), base64s.decode(lines[2], field="root")
        if size > MAX_SIZE or len(root) != HASH_SIZE:
            raise Refused(
                "checkpoint_malformed",
                "The size or the root of the checkpoint is out of range; fetch it anew.",
            )
        return cls(lines[0], size, root)


@dataclass(frozen=True)
class NoteKey:
    """A log's Ed25519 key under its name, as verifiers configure it."""

    name: str
    public: PublicKey

    @property
    def key_id(self) -> bytes:
        """First 4 bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ key)."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public.raw).digest()[:4]

    @property
    def vkey(self) -> str:
        """``name+hexkeyid+base64(0x01‖key)``."""
        return f"{self.name}+{self.key_id.hex()}+{base64s.encode(_ED25519 + self.public.raw)}"

    @classmethod
    def parse(cls, vkey: str) -> NoteKey:
        found = _VKEY.fullmatch(vkey.strip())
        if not found:
            raise Refused("vkey_malformed", "Write a verifier key as name+id+key.")
        data = base64s.decode(found["key"], field="vkey")
        if data[:1] != _ED25519 or len(data) != 33:
            raise Refused("vkey_malformed", "Only Ed25519 verifier keys are known; give one of these.")
        key = cls(
            found["name"], PublicKey.from_spki(_SPKI_HEAD + data[1:], allowed=frozenset({Algorithm.ED25519}))
        )
        if key.key_id.hex() != found["id"]:
            raise Refused(
                "vkey_malformed",
                "The id of the verifier key does not fit its name and key; copy the whole of it again.",
            )
        return key


def sign_checkpoint(checkpoint: Checkpoint, name: str, private_key: PrivateKey) -> str:
    """The checkpoint as a note with one signature line."""
    if private_key.algorithm is not Algorithm.ED25519 or not re.fullmatch(_NAME, name):
        raise ValueError("a note is signed by an Ed25519 key under a name without spaces or +")
    body = checkpoint.body
    key_id = NoteKey(name, private_key.public).key_id
    return f"{body}\n— {name} {base64s.encode(key_id + private_key.sign(body.encode()))}\n"


def split_note(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Text and signature lines (name, key id ‖ signature) of a note, split at its last blank line."""
    if len(note) > _MAX_NOTE or any(ord(character) < 0x20 and character != "\n" for character in note):
        raise Refused("note_malformed", "The note is too long or contains control characters; fetch it anew.")
    text, blank, lines = note.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise Refused(
            "note_malformed", "The note has no signature lines after a blank line; fetch the whole of it."
        )
    signatures: list[tuple[str, bytes]] = []
    for line in lines[:-1].split("\n"):
        found = _SIGNATURE_LINE.fullmatch(line)
        if not found or len(signatures) == _MAX_SIGNATURES:
            raise Refused(
                "note_malformed",
                "A signature line of the note cannot be read; fetch the note anew.",
                value=line,
            )
        data = base64s.decode(found["data"], field="note signature")
        if len(data) < 5:
            raise Refused(
                "note_malformed",
                "A signature line of the note is too short; fetch the note anew.",
                value=line,
            )
        signatures.append((found["name"], data))
    return text + "\n", signatures


def verify_checkpoint(note: str, keys: Iterable[NoteKey]) -> Checkpoint:
    """The checkpoint in this note, if a known key signed it and no known key's signature fails.

    Signatures of unknown keys (name and key id) are ignored, as signed-note demands; at least one known is needed.
    """
    text, signatures = split_note(note)
    known = {(key.name, key.key_id): key for key in keys}
    verified: set[tuple[str, bytes]] = set()
    for name, data in signatures:
        place = (name, data[:4])
        if place not in known:
            continue
        if place in verified:
            raise Refused(
                "note_signed_twice",
                "The note carries two signatures of the same key; fetch it anew.",
                value=name,
            )
        if not known[place].public.verify(data[4:], text.encode()):
            raise Refused(
                "note_signature_invalid",
                "The signature of a known key does not verify; fetch the note anew before you rely on it.",
                value=name,
            )
        verified.add(place)
    if not verified:
        raise Refused(
            "note_unsigned",
            "No trusted key signed this note; give the verifier key of the log that it is from.",
        )
    return Checkpoint.parse(text)
