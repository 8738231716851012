"""One server process of the guardian: started, waited for, revived, stopped gently and then by force."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path

from config.embedded.lifeline import Lifeline, die_with_parent
from config.embedded.plan import Identity, ServicesError
from config.embedded.unprivileged import leave_root

START_SECONDS = 90.0
REVIVALS = 5
REVIVAL_WINDOW_SECONDS = 60.0


class Server(ABC):
    """A server that the guardian runs; subclasses say which program, when it is ready and how it stops."""

    name: str
    #: Signals in the order they are tried, each with the seconds it is given.
    stop_signals: tuple[tuple[signal.Signals, float], ...]
    #: The signal that reaches the server when the guardian itself is killed.
    orphan_signal: signal.Signals

    def __init__(self, *, log: Path, identity: Identity) -> None:
        self.log = log
        self.identity = identity
        self._process: subprocess.Popen[bytes] | None = None
        self._deaths: list[float] = []

    @abstractmethod
    def argv(self) -> list[str]:
        """The program and its arguments."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether it answers."""

    def may_clear_up(self) -> bool:
        """Whether a failed start is worth another try: remains of an earlier run are still going away."""
        return False

    @property
    def pid(self) -> int:
        """The process id of the server, 0 before it was started."""
        return 0 if self._process is None else self._process.pid

    def run_tool(self, argv: list[str]) -> str:
        """Run one of the server's own tools under its user and return what it printed."""
        done = subprocess.run(
            argv,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            preexec_fn=lambda: leave_root(self.identity),
            check=False,
        )
        if done.returncode != 0:
            raise ServicesError(f"{Path(argv[0]).name} failed: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def start(self, lifeline: Lifeline) -> None:
        """Start it and return once it answers; raises ServicesError with the end of its log otherwise."""
        deadline = time.monotonic() + START_SECONDS
        self._spawn()
        while not self.is_ready():
            if lifeline.is_cut(within=0.02):
                raise ServicesError(f"{self.name} was no longer wanted")
            if self.has_died() and self.may_clear_up() and time.monotonic() < deadline:
                time.sleep(0.2)
                self._spawn()
            elif self.has_died() or time.monotonic() > deadline:
                raise ServicesError(f"{self.name} did not start:\n{self.last_words()}")

    def _spawn(self) -> None:
        guardian = os.getpid()

        def become_the_server() -> None:
            leave_root(self.identity)
            die_with_parent(guardian, self.orphan_signal)  # after leaving root, which clears it

        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.argv(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=become_the_server,
            )

    def has_died(self) -> bool:
        """Whether the process ended by itself."""
        return self._process is not None and self._process.poll() is not None

    def last_words(self) -> str:
        """The last lines of its log."""
        try:
            return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
        except OSError:
            return "(no log)"

    def revive(self, lifeline: Lifeline) -> None:
        """Start a server again that died under us. Raises ServicesError when it keeps dying."""
        now = time.monotonic()
        self._deaths = [at for at in self._deaths if now - at < REVIVAL_WINDOW_SECONDS] + [now]
        if len(self._deaths) > REVIVALS:
            raise ServicesError(f"{self.name} keeps dying:\n{self.last_words()}")
        self.start(lifeline)

    def stop(self) -> None:
        """Stop it: the gentle signal first, force at the end. Does nothing when it is not running."""
        if self._process is None or self._process.poll() is not None:
            return
        for number, seconds in self.stop_signals:
            self._process.send_signal(number)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
            return
        self._process.kill()
        self._process.wait()
