"""``chipledger verify``: a bundle or a log receipt, offline, given nothing but the log's public key."""

from __future__ import annotations

import argparse
from pathlib import Path

from chipledger.cli.options import Verbs, add_verb, instant, read_file
from chipledger.cli.output import Output
from chipledger.dsse import parse_envelope
from chipledger.entries import encode_commitment, encode_full, is_logged_in_full
from chipledger.notes import NoteKey
from chipledger.receipts import HEADER, LogReceipt, verify_receipt
from chipledger.refusals import Refused
from chipledger.statements import parse_payload
from chipledger.statements.common import format_instant
from chipledger.verification import verify_bundle


def add_to(verbs: Verbs) -> None:
    verb = add_verb(verbs, "verify", _verify, help="verify an evidence bundle or a log receipt, offline")
    verb.add_argument("file", type=Path, help="evidence bundle (JSON), or log receipt (tlog-proof)")
    verb.add_argument("--vkey", required=True, help="the log's verifier key, or @FILE that holds it")
    verb.add_argument("--rp-id", help="site whose passkeys count")
    verb.add_argument("--origin", action="append", default=[], help="address where passkeys were used")
    verb.add_argument("--envelope", type=Path, help="with a receipt: the envelope it is about")
    verb.add_argument("--accepted-at", type=instant, help="with a receipt: when it was accepted")


def _verify(options: argparse.Namespace, out: Output) -> None:
    raw = read_file(options.file)
    vkey = options.vkey
    if vkey.startswith("@"):
        vkey = read_file(Path(vkey[1:])).decode("utf-8", "replace")
    if raw.startswith(HEADER.encode()):
        _verify_receipt(raw, vkey, options, out)
    else:
        _verify_bundle(raw, vkey, options, out)


def _verify_bundle(raw: bytes, vkey: str, options: argparse.Namespace, out: Output) -> None:
    report = verify_bundle(raw, trusted_vkey=vkey, rp_id=options.rp_id, origins=options.origin)
    out.result(
        {
            "verified": True,
            "log": report.origin,
            "steps": list(report.steps),
            "key_statements": report.key_statements,
            "statements": [
                {
                    "digest": found.digest,
                    "kind": found.kind,
                    "organisation": found.organisation,
                    "accepted_at": format_instant(found.accepted_at),
                    "position": found.position,
                    "log_size": found.checkpoint.size,
                }
                for found in report.statements
            ],
        }
    )


def _verify_receipt(raw: bytes, vkey: str, options: argparse.Namespace, out: Output) -> None:
    """Proves that the envelope was logged then and there; whose keys signed it takes a bundle."""
    if options.envelope is None or options.accepted_at is None:
        raise Refused("receipt_alone", "Give --envelope and --accepted-at to verify a receipt.")
    text = read_file(options.envelope)
    envelope = parse_envelope(text)
    kind = parse_payload(envelope.payload).kind
    if is_logged_in_full(kind):
        entry = encode_full(envelope.digest, options.accepted_at, text)
    else:
        entry = encode_commitment(envelope.digest, options.accepted_at)
    try:
        receipt = LogReceipt.parse(raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise Refused("receipt_malformed", "The log receipt is not UTF-8; fetch it anew.") from None
    checkpoint = verify_receipt(receipt, entry, [NoteKey.parse(vkey)])
    out.result(
        {
            "verified": True,
            "log": checkpoint.origin,
            "digest": envelope.digest.hex(),
            "kind": kind,
            "position": receipt.index,
            "log_size": checkpoint.size,
        }
    )
