"""``chipledger register``: new chips into the book, from a file; and chips that were in the field on day one."""

from __future__ import annotations

import argparse
from pathlib import Path

from chipledger.cli.chips import add_secret, prepare_manifest
from chipledger.cli.filing import build, file_statement
from chipledger.cli.options import Verbs, add_signing, add_verb, api_of, common_of, read_keys
from chipledger.cli.output import Output
from chipledger.manifests import Shape
from chipledger.statements.common import Statement
from chipledger.statements.registry import ChipsCommissioned
from chipledger.statements.tracking import StockOpened


def add_to(verbs: Verbs) -> None:
    verb = add_verb(verbs, "register", _register, help="register new chips from a CSV or JSON Lines file")
    verb.add_argument("file", type=Path, help="columns model, serial and (optional) device_key, in any order")
    verb.add_argument("--site", required=True, help="code of the site where the chips are")
    verb.add_argument(
        "--opened-from",
        metavar="MAKER",
        help="the chips are of this maker and were in the field on day one: open them as stock of their holder",
    )
    add_secret(verb)
    add_signing(verb)


def _register(options: argparse.Namespace, out: Output) -> None:
    keys = read_keys(options)
    kind: type[Statement] = ChipsCommissioned if options.opened_from is None else StockOpened
    with prepare_manifest(options.file, Shape.COMMISSION, options.secret_file) as manifest:
        out.progress(f"{manifest.ref.rows} rows checked, uploading", final=True)
        api_of(options).upload_manifest(manifest.path, manifest.secret, manifest.ref)
        members = common_of(options, keys) | {"site": options.site, "manifest": manifest.ref}
        if options.opened_from is not None:
            members["maker"] = options.opened_from
        payload = build(kind, members)
        file_statement(options, payload, keys, out, source=options.file, manifest=manifest.ref.model_dump())
