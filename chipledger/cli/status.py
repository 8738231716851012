"""``chipledger status``: what became of a statement, a job or a transfer."""

from __future__ import annotations

import argparse
from typing import Final

from chipledger.cli.options import Verbs, add_server, add_verb, api_of
from chipledger.cli.output import Output

_PLACES: Final = {"job": "jobs", "statement": "statements", "transfer": "transfers"}


def add_to(verbs: Verbs) -> None:
    verb = add_verb(verbs, "status", _status, help="what became of a statement, a job or a transfer")
    verb.add_argument("what", choices=sorted(_PLACES))
    verb.add_argument("id", help="digest of the statement or dispatch, or id of the job")
    add_server(verb)


def _status(options: argparse.Namespace, out: Output) -> None:
    out.result(api_of(options).get(f"{_PLACES[options.what]}/{options.id}"))
