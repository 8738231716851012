"""``chipledger count``: what was found at a site."""

from __future__ import annotations

import argparse
from pathlib import Path

from chipledger.cli.chips import add_secret, selection_of
from chipledger.cli.filing import build, file_statement
from chipledger.cli.options import (
    Verbs,
    add_signing,
    add_verb,
    common_of,
    instant,
    read_keys,
    to_millisecond,
)
from chipledger.cli.output import Output
from chipledger.statements.tracking import StockCounted


def add_to(verbs: Verbs) -> None:
    verb = add_verb(verbs, "count", _count, help="say which chips were found at a site, and no others")
    found = verb.add_mutually_exclusive_group(required=True)
    found.add_argument("--chip", action="append", metavar="MAKER/SERIAL", help="a chip, once for each")
    found.add_argument(
        "--chips", type=Path, metavar="FILE", help="CSV or JSON Lines with chip, or maker and serial"
    )
    found.add_argument("--nothing", action="store_true", help="the site was found empty")
    add_secret(verb)
    verb.add_argument("--site", required=True)
    verb.add_argument("--counted-at", type=instant, help="default: now")
    verb.add_argument("--method", choices=("scan", "file", "attestations"), help="default: by what was given")
    add_signing(verb)


def _count(options: argparse.Namespace, out: Output) -> None:
    keys = read_keys(options)
    members = common_of(options, keys) | {
        "site": options.site,
        "counted_at": to_millisecond(options.counted_at or options.issued_at),
        "method": options.method or ("file" if options.chips else "scan"),
    }
    if options.nothing:
        file_statement(options, build(StockCounted, members | {"chips": []}), keys, out)
        return
    with selection_of(options) as selection:
        payload = build(StockCounted, members | selection)
        file_statement(options, payload, keys, out, source=options.chips)
