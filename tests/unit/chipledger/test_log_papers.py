"""Checkpoints, entries and receipts: what the log says about itself and its statements."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chipledger import base64s, merkle
from chipledger.entries import Commitment, encode_commitment, encode_full, is_logged_in_full
from chipledger.keys import Algorithm, PrivateKey
from chipledger.notes import Checkpoint, NoteKey, sign_checkpoint, verify_checkpoint
from chipledger.receipts import LogReceipt, verify_receipt
from chipledger.refusals import Refused

NAME = "demo.ledger.example"
LOG = PrivateKey.generate(Algorithm.ED25519)
WITNESS = PrivateKey.generate(Algorithm.ED25519)
KNOWN = [NoteKey(NAME, LOG.public)]
AT = datetime(2026, 1, 31, 12, 0, 0, 123_000, tzinfo=UTC)
ENTRIES = [encode_commitment(merkle.leaf_hash(b"%d" % number), AT) for number in range(11)]
TREE = merkle.MemoryTree([merkle.leaf_hash(entry) for entry in ENTRIES])
CHECKPOINT = Checkpoint(NAME, 11, TREE.root())
NOTE = sign_checkpoint(CHECKPOINT, NAME, LOG)


def refusal_of(note: str) -> str:
    with pytest.raises(Refused) as refusal:
        verify_checkpoint(note, KNOWN)
    return refusal.value.code


def test_a_published_verifier_key_is_read_and_its_id_computed() -> None:
    """The key of the Go checksum database, whose id is part of its published text."""
    vkey = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    assert NoteKey.parse(vkey).vkey == vkey
    with pytest.raises(Refused, match="vkey_malformed"):
        NoteKey.parse(vkey.replace("033de0ae", "033de0af"))


def test_a_published_note_verifies() -> None:
    """The example of golang.org/x/mod/sumdb/note (key and signed text of its documentation)."""
    text = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    key = NoteKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    with pytest.raises(Refused, match="checkpoint_malformed"):
        verify_checkpoint(text, [key])
    with pytest.raises(Refused, match="note_signature_invalid"):
        verify_checkpoint(text.replace("answer", "Answer"), [key])


def test_a_checkpoint_is_signed_and_verified() -> None:
    assert NOTE.startswith(f"{NAME}\n11\n{base64s.encode(TREE.root())}\n\n— {NAME} ")
    assert verify_checkpoint(NOTE, KNOWN) == CHECKPOINT


def test_unknown_signatures_are_ignored_and_one_known_is_needed() -> None:
    witness_line = sign_checkpoint(CHECKPOINT, "witness.example", WITNESS).rpartition("\n\n")[2]
    stranger_line = sign_checkpoint(CHECKPOINT, NAME, WITNESS).rpartition("\n\n")[2]
    assert verify_checkpoint(NOTE + witness_line + stranger_line, KNOWN) == CHECKPOINT
    assert refusal_of(sign_checkpoint(CHECKPOINT, "witness.example", WITNESS)) == "note_unsigned"


def test_a_known_key_that_fails_rejects_the_note() -> None:
    assert refusal_of(NOTE.replace("\n11\n", "\n12\n")) == "note_signature_invalid"
    both = [*KNOWN, NoteKey("witness.example", WITNESS.public)]
    bad_line = sign_checkpoint(Checkpoint(NAME, 12, TREE.root()), "witness.example", WITNESS).rpartition(
        "\n\n"
    )[2]
    with pytest.raises(Refused, match="note_signature_invalid"):
        verify_checkpoint(NOTE + bad_line, both)


def test_a_key_that_signs_twice_rejects_the_note() -> None:
    assert refusal_of(NOTE + NOTE.rpartition("\n\n")[2]) == "note_signed_twice"


def test_text_and_signatures_split_at_the_last_blank_line() -> None:
    """Otherwise a signed text could carry a forged line above its real signatures."""
    inner = f"{NAME}\n12\n{base64s.encode(bytes(32))}\n\n— {NAME} AAAAAAAA\n"
    line = base64s.encode(KNOWN[0].key_id + LOG.sign(inner.encode()))
    assert refusal_of(f"{inner}\n— {NAME} {line}\n") == "checkpoint_malformed"


@pytest.mark.parametrize(
    "bend",
    [
        lambda note: note.rstrip("\n"),
        lambda note: note.replace("\n\n", "\n"),
        lambda note: note.replace("— ", "- "),
        lambda note: note.replace("11\n", "11\r\n"),
        lambda note: note + "x\n",
        lambda note: note + f"— {NAME} AAAA\n",
        lambda note: note * 1000,
    ],
)
def test_malformed_notes_are_refused(bend: object) -> None:
    assert callable(bend)
    assert refusal_of(bend(NOTE)) == "note_malformed"


@pytest.mark.parametrize(
    "body",
    [
        f"{NAME}\n011\n{base64s.encode(bytes(32))}\n",
        f"{NAME}\n-1\n{base64s.encode(bytes(32))}\n",
        f"{NAME}\n{2**63}\n{base64s.encode(bytes(32))}\n",
        f"{NAME}\n1\n{base64s.encode(bytes(31))}\n",
        f"{NAME}\n1\n{base64s.encode(bytes(32))}\nextension\n",
        f"\n1\n{base64s.encode(bytes(32))}\n",
        f"{NAME}\n1\n",
    ],
)
def test_checkpoints_of_other_forms_are_refused_even_when_signed(body: str) -> None:
    line = base64s.encode(KNOWN[0].key_id + LOG.sign(body.encode()))
    assert refusal_of(f"{body}\n— {NAME} {line}\n") == "checkpoint_malformed"


def test_a_commitment_has_its_fixed_layout() -> None:
    digest = bytes(range(32))
    entry = encode_commitment(digest, AT)
    assert entry == b"\x01" + digest + (1769860800123).to_bytes(8, "big")
    assert Commitment.parse(entry) == Commitment(digest, AT)


def test_a_full_entry_carries_the_envelope_as_received() -> None:
    digest = bytes(range(32))
    found = Commitment.parse(encode_full(digest, AT, b'{ "payload":""}'))
    assert found == Commitment(digest, AT, b'{ "payload":""}')
    with pytest.raises(Refused, match="entry_too_large"):
        encode_full(digest, AT, b"x" * 65_495)
    assert len(encode_full(digest, AT, b"x" * 65_494)) == 65_535


@pytest.mark.parametrize(
    "entry", [b"", b"\x01" + bytes(39), b"\x01" + bytes(41), b"\x02" + bytes(40), b"\x03" + bytes(40)]
)
def test_entries_of_other_layouts_are_refused(entry: bytes) -> None:
    with pytest.raises(Refused, match="entry_malformed"):
        Commitment.parse(entry)


def test_a_time_out_of_range_is_refused() -> None:
    with pytest.raises(Refused, match="entry_malformed"):
        Commitment.parse(b"\x01" + bytes(32) + b"\xff" * 8)


def test_keys_and_organisations_are_public_and_trade_is_not() -> None:
    assert all(map(is_logged_in_full, ("ledger.founded", "key.added", "organisation.suspended")))
    assert not any(map(is_logged_in_full, ("transfer.dispatched", "chips.stolen", "site.declared")))


def test_a_receipt_proves_its_entry_and_no_other() -> None:
    receipt = LogReceipt(7, tuple(TREE.inclusion_proof(7)), NOTE)
    found = LogReceipt.parse(receipt.to_text())
    assert found == receipt
    assert verify_receipt(found, ENTRIES[7], KNOWN) == CHECKPOINT
    with pytest.raises(Refused, match="inclusion_invalid"):
        verify_receipt(found, encode_commitment(bytes(32), AT), KNOWN)
    with pytest.raises(Refused, match="note_unsigned"):
        verify_receipt(found, ENTRIES[7], [NoteKey(NAME, WITNESS.public)])


def test_a_receipt_has_the_lines_of_tlog_proof() -> None:
    text = LogReceipt(5, (b"\1" * 32, b"\2" * 32), NOTE, extra=b"extra information").to_text()
    one, two = base64s.encode(b"\1" * 32), base64s.encode(b"\2" * 32)
    assert text == f"c2sp.org/tlog-proof@v1\nextra ZXh0cmEgaW5mb3JtYXRpb24=\nindex 5\n{one}\n{two}\n\n{NOTE}"
    assert LogReceipt.parse(f"c2sp.org/tlog-proof@v1\nindex 0\n\n{NOTE}") == LogReceipt(0, (), NOTE)


@pytest.mark.parametrize(
    "text",
    [
        f"c2sp.org/tlog-proof@v2\nindex 0\n\n{NOTE}",
        f"c2sp.org/tlog-proof@v1\nindex 00\n\n{NOTE}",
        f"c2sp.org/tlog-proof@v1\nindex -1\n\n{NOTE}",
        f"c2sp.org/tlog-proof@v1\n\n{NOTE}",
        f"c2sp.org/tlog-proof@v1\nindex 0\nextra AAAA\n\n{NOTE}",
        f"c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\n{NOTE}",
        "c2sp.org/tlog-proof@v1\nindex 0",
        "",
    ],
)
def test_malformed_receipts_are_refused(text: str) -> None:
    with pytest.raises(Refused) as refusal:
        LogReceipt.parse(text)
    assert refusal.value.code in {"receipt_malformed", "hash_malformed", "base64_malformed"}
