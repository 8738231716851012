"""``chipledger keys new``: a key that never leaves this machine."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from chipledger.cli.options import PASSWORD_VARIABLE, Verbs, add_verb, write_file
from chipledger.cli.output import Output
from chipledger.keys import Algorithm, PrivateKey


def add_to(verbs: Verbs) -> None:
    group = verbs.add_parser("keys", help="make signing keys").add_subparsers(required=True, metavar="WHAT")
    verb = add_verb(group, "new", _new, help="make a key, write it to a file that only you can read")
    verb.add_argument("--out", type=Path, required=True, metavar="PEM", help="where to write the private key")
    verb.add_argument(
        "--algorithm",
        type=Algorithm,
        choices=list(Algorithm),
        default=Algorithm.P256,
        help="p256 (default) or ed25519; p384 for device keys only",
    )
    verb.epilog = f"The file is encrypted when {PASSWORD_VARIABLE} is set."


def _new(options: argparse.Namespace, out: Output) -> None:
    key = PrivateKey.generate(options.algorithm)
    password = os.environ.get(PASSWORD_VARIABLE)
    write_file(options.out, key.to_pem(password=password.encode() if password else None), mode=0o600)
    out.result(
        {
            "key_id": key.public.key_id,
            "algorithm": str(key.algorithm),
            "spki": key.public.base64,
            "file": str(options.out),
        }
    )
