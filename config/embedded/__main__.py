"""`python -m config.embedded run [--data DIR | --durable] -- COMMAND`: a command beside private services."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

from config.embedded.lifeline import die_with_parent
from config.embedded.plan import ServicesError
from config.embedded.services import join_or_start, start, uses_own_servers

FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


def run_command(command: list[str], *, environment: dict[str, str]) -> int:
    """Run a command, passing on signals; returns its exit code, or 128 + the signal that ended it."""
    child: subprocess.Popen[bytes] | None = None
    early: list[int] = []

    def forward(number: int, _frame: FrameType | None) -> None:
        if child is None:
            early.append(number)
        elif number != signal.SIGINT or not sys.stdin.isatty():  # the terminal has told the child already
            child.send_signal(number)

    for number in FORWARDED:
        signal.signal(number, forward)
    parent = os.getpid()
    child = subprocess.Popen(
        command,
        env=os.environ | environment,
        preexec_fn=lambda: die_with_parent(parent, signal.SIGTERM),
    )
    for signalled in early:
        child.send_signal(signalled)
    code = child.wait()
    return code if code >= 0 else 128 - code


def main() -> int:
    """The command line; returns the exit code of the command, 2 when there is nothing to run it beside."""
    parser = argparse.ArgumentParser(prog="python -m config.embedded", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run", help="run a command beside the services")
    run.add_argument("--data", type=Path, help="keep the data here, and join services that already run on it")
    run.add_argument(
        "--durable", action="store_true", help="let commits survive a crash, as --data always does"
    )
    run.add_argument("command", nargs="+", metavar="COMMAND")
    asked = parser.parse_args()
    try:
        if uses_own_servers():
            os.execvp(asked.command[0], asked.command)
        kept = asked.data
        services = start(None, durable=asked.durable) if kept is None else join_or_start(kept.resolve())
        with services:
            return run_command(asked.command, environment=services.environment())
    except (ServicesError, FileNotFoundError) as failure:
        print(failure, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
