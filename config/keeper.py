"""The keeper: a process that ends the process groups of an owner when the owner can no longer do so itself.

The kernel's own signal for that reaches a child but not what the child has started, so groups are kept.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from config.embedded.lifeline import Lifeline
from config.embedded.plan import CHECKOUT

GRACE_SECONDS = 10.0


class Keeper:
    """The owner's side: starts children whose groups the keeper knows before their programs begin."""

    def __init__(self) -> None:
        theirs, ours = os.pipe()
        self._pipe = os.fdopen(ours, "wb", buffering=0)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "config.keeper", str(os.getpid())],
            cwd=CHECKOUT,
            stdin=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def spawn(
        self, argv: Sequence[str], *, cwd: Path, log: BinaryIO, environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        """Start a program as the leader of its own group, both its outputs going to the log."""
        pipe = self._pipe.fileno()
        return subprocess.Popen(
            argv,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=lambda: _announce(pipe),
        )

    def end(self, child: subprocess.Popen[bytes]) -> None:
        """End whatever a child has left of its group, by force, and keep it no longer."""
        signal_group(child.pid, signal.SIGKILL)
        child.wait()
        self._say(f"- {child.pid}")

    def close(self) -> None:
        """End the keeper and every group it still keeps."""
        self._say("stop")
        self._pipe.close()
        self._process.wait()

    def _say(self, line: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # it was killed: the owner stops its children itself
            self._pipe.write(line.encode() + b"\n")


def _announce(pipe: int) -> None:
    os.write(pipe, b"+ %d\n" % os.getpid())


def signal_group(group: int, number: int) -> bool:
    """Signal every process of a group (0 only asks); False when there is none left."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # what is left has changed its user
    return True


def end_groups(groups: set[int]) -> None:
    """End groups: SIGTERM, then SIGKILL for those still there after ten seconds."""
    left = {group for group in groups if signal_group(group, signal.SIGTERM)}
    deadline = time.monotonic() + GRACE_SECONDS
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = {group for group in left if signal_group(group, 0)}
    for group in left:
        signal_group(group, signal.SIGKILL)


def main() -> int:
    """Keep groups for the owner whose process id is the argument, until it ends or says stop."""
    lifeline = Lifeline(owner=int(sys.argv[1]), pipe=0)
    groups: set[int] = set()
    cut = False
    while not cut:
        cut = lifeline.is_cut(within=3600)
        for line in lifeline.heard():
            match line.split():
                case ["+", group]:
                    groups.add(int(group))
                case ["-", group]:
                    groups.discard(int(group))
    end_groups(groups)
    return 0


if __name__ == "__main__":
    sys.exit(main())
