"""The command ``chipledger``: sign offline, file through the API, verify without trusting the server."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from chipledger import clock
from chipledger.cli import attest, keys, papers, register, status, stock, transfers, verify
from chipledger.cli.output import Output
from chipledger.refusals import Refused

__all__ = ["main"]

REFUSED = 2
CLOCK_VARIABLE = "SIMULATED_CLOCK_FILE"
"""Names the clock of a demo, so that papers carry its time; a server outside a demo refuses their times."""

_VERBS = (keys, papers, register, transfers, stock, attest, status, verify)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb. 0: done; 2: refused, with code, sentence and place on standard error (JSON on standard output)."""
    if path := os.environ.get(CLOCK_VARIABLE):
        clock.use(clock.SimulatedClock(path))
    options = _parser().parse_args(arguments)
    out = Output(as_json=options.json)
    try:
        options.run(options, out)
    except Refused as refused:
        out.refuse(refused)
        return REFUSED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="chipledger", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for verb in _VERBS:
        verb.add_to(verbs)
    return parser
