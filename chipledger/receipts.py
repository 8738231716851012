"""Log receipts: the proof, in one text file, that an entry is in the log (c2sp.org/tlog-proof@v1)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from chipledger import base64s
from chipledger.merkle import HASH_SIZE, MAX_SIZE, leaf_hash, verify_inclusion
from chipledger.notes import Checkpoint, NoteKey, verify_checkpoint
from chipledger.refusals import Refused

HEADER: Final = "c2sp.org/tlog-proof@v1"
_MAX_RECEIPT: Final = 128 * 1024
_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True)
class LogReceipt:
    """Where an entry stands in the log, and the path from it to a signed checkpoint.

    ``extra`` is opaque and authenticated by nobody.
    """

    index: int
    proof: tuple[bytes, ...]
    checkpoint: str
    """The signed note, verbatim."""
    extra: bytes | None = None

    def to_text(self) -> str:
        lines = [HEADER]
        if self.extra is not None:
            lines.append(f"extra {base64s.encode(self.extra)}")
        lines.append(f"index {self.index}")
        lines += map(base64s.encode, self.proof)
        return "\n".join(lines) + f"\n\n{self.checkpoint}"

    @classmethod
    def parse(cls, text: str) -> LogReceipt:
        """Read a receipt strictly; nothing is verified yet."""
        if len(text) > _MAX_RECEIPT:
            raise Refused("receipt_malformed", "The log receipt is too long; fetch it anew.")
        head, blank, checkpoint = text.partition("\n\n")
        lines = head.split("\n")
        if not blank or lines.pop(0) != HEADER:
            raise Refused("receipt_malformed", f"A log receipt starts with {HEADER}; fetch it anew.")
        extra = None
        if lines and lines[0].startswith("extra "):
            extra = base64s.decode(lines.pop(0).removeprefix("extra "), field="extra")
        found = _INDEX.fullmatch(lines.pop(0)) if lines else None
        if found is None or int(found[1]) > MAX_SIZE:
            raise Refused(
                "receipt_malformed", "The log receipt does not say which entry it is about; fetch it anew."
            )
        proof = tuple(base64s.decode(line, field="proof") for line in lines)
        if len(proof) > 63 or any(len(each) != HASH_SIZE for each in proof):
            raise Refused(
                "hash_malformed",
                "Every hash of a proof has 32 bytes, and there are at most 63; fetch it anew.",
            )
        return cls(int(found[1]), proof, checkpoint, extra)


def verify_receipt_checkpoint(receipt: LogReceipt, keys: Iterable[NoteKey]) -> Checkpoint:
    """The receipt's checkpoint, if a trusted key signed it and its origin is the name of one of them."""
    trusted = list(keys)
    checkpoint = verify_checkpoint(receipt.checkpoint, trusted)
    if checkpoint.origin not in {key.name for key in trusted}:
        raise Refused(
            "checkpoint_wrong_origin",
            "The checkpoint is of another log; give the verifier key of that one, if you trust it.",
            value=checkpoint.origin,
        )
    return checkpoint


def verify_entry_in(checkpoint: Checkpoint, receipt: LogReceipt, entry: bytes) -> None:
    """Refuse unless ``entry`` is in the checkpoint's tree, where the receipt says."""
    verify_inclusion(leaf_hash(entry), receipt.index, checkpoint.size, receipt.proof, checkpoint.root)


def verify_receipt(receipt: LogReceipt, entry: bytes, keys: Iterable[NoteKey]) -> Checkpoint:
    """The checkpoint that a trusted key signed and that contains ``entry`` where the receipt says, or Refused."""
    checkpoint = verify_receipt_checkpoint(receipt, keys)
    verify_entry_in(checkpoint, receipt, entry)
    return checkpoint
