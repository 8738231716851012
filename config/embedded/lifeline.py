"""How a process learns that another one is gone, and how a child is tied to the life of its parent."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys

PR_SET_PDEATHSIG = 1


class Lifeline:
    """A guardian's view of its owner: a pipe the owner holds, and the owner's process itself.

    The pipe alone would not do: a forked child of the owner keeps it open. The process alone would not do
    either: the owner may want to stop its services and live on. Whichever speaks first ends the services.
    """

    def __init__(self, *, owner: int, pipe: int) -> None:
        self._pipe = pipe
        self._watched = [pipe]
        self._unread = b""
        self._cut = False
        if hasattr(os, "pidfd_open"):
            try:
                self._watched.append(os.pidfd_open(owner))
            except ProcessLookupError:
                self._cut = True
            except OSError:
                pass  # a kernel or sandbox without pidfd: the pipe remains
        # Only now is a reused process id ruled out: a process whose owner died is given another parent.
        if os.getppid() != owner:
            self._cut = True

    def is_cut(self, *, within: float = 0) -> bool:
        """Whether the owner has ended or said "stop", waiting at most ``within`` seconds for it."""
        readable = [] if self._cut else select.select(self._watched, [], [], within)[0]
        if any(descriptor != self._pipe for descriptor in readable):
            self._cut = True
        while select.select([self._pipe], [], [], 0)[0]:
            said = os.read(self._pipe, 65536)
            self._unread += said
            if not said:
                self._cut = True
                break
        if b"stop\n" in self._unread:
            self._cut = True
        return self._cut

    def heard(self) -> list[str]:
        """The whole lines the owner has said since last asked."""
        lines, _, self._unread = self._unread.rpartition(b"\n")
        return lines.decode().splitlines()

    def cut(self) -> None:
        """Act from now on as if the owner had gone."""
        self._cut = True


def die_with_parent(parent: int, number: signal.Signals) -> None:
    """Have the kernel send this process a signal when the thread that forked it ends.

    Runs between fork and exec. Raises ProcessLookupError when the parent has gone already, which makes
    the start fail.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != parent:
        raise ProcessLookupError(parent)
