"""``chipledger sign`` and ``submit``: papers made on one machine and filed from another."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from chipledger.cli.filing import report_outcome
from chipledger.cli.options import (
    Verbs,
    add_keys,
    add_server,
    add_verb,
    api_of,
    read_file,
    read_keys,
    write_file,
)
from chipledger.cli.output import Output
from chipledger.dsse import parse_envelope, sign_payload
from chipledger.statements import parse_payload


def add_to(verbs: Verbs) -> None:
    verb = add_verb(verbs, "sign", _sign, help="sign a payload exactly as it is, offline")
    verb.add_argument("payload", type=Path, help="file with the statement's JSON")
    verb.add_argument("--out", type=Path, help="where to write the envelope (default: standard output)")
    add_keys(verb)
    verb = add_verb(verbs, "submit", _submit, help="file a signed envelope")
    verb.add_argument("envelope", type=Path)
    add_server(verb)


def _sign(options: argparse.Namespace, out: Output) -> None:
    payload = read_file(options.payload)
    statement = parse_payload(payload)
    envelope = sign_payload(payload, read_keys(options))
    if options.out is None:
        sys.stdout.buffer.write(envelope.to_json() + b"\n")
        return
    write_file(options.out, envelope.to_json())
    out.result({"digest": envelope.digest.hex(), "kind": statement.kind, "file": str(options.out)})


def _submit(options: argparse.Namespace, out: Output) -> None:
    raw = read_file(options.envelope)
    parse_envelope(raw)
    report_outcome(api_of(options), raw, out)
