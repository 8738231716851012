"""`python -m simulator.demo`: a whole registry with six simulated months of history, scored, replayed and served.

With ``--report`` it ends after the report, and its last line is one JSON object. DEMO_SEED, DEMO_CHIPS and DEMO_MONTHS
change the world, PORT the address. It keeps everything in a folder of its own below VAR_DIR, emptied at each start.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final

from chipledger.clock import SimulatedClock
from config.embedded import Services, ServicesError, start
from config.embedded.services import running, uses_own_servers
from config.processes import ChildDied

CHECKOUT: Final = Path(__file__).resolve().parent.parent


@dataclass
class Demo:
    """What this run was asked for, and what it measured."""

    seed: int
    chips: int
    months: int
    port: int
    only_report: bool
    folder: Path
    checkout: Path = CHECKOUT
    seconds: dict[str, float] = field(default_factory=dict)


def main() -> int:
    """Run the demo; returns the exit code, 3 when the replayed book differs."""
    parser = argparse.ArgumentParser(prog="python -m simulator.demo", description=__doc__)
    parser.add_argument("--report", action="store_true", help="end after the report")
    var = Path(os.environ.get("VAR_DIR") or CHECKOUT / "var")
    demo = Demo(
        seed=_whole_number("DEMO_SEED", 7),
        chips=_whole_number("DEMO_CHIPS", 20_000),
        months=_whole_number("DEMO_MONTHS", 6),
        port=_whole_number("PORT", 8000),
        only_report=parser.parse_args().report,
        folder=var.resolve() / "demo",
    )
    if not _is_free(demo.port):
        if not demo.only_report:
            print(f"Port {demo.port} is taken; choose another one with PORT=… make demo.", file=sys.stderr)
            return 2
        demo.port = _free_port()
    demo.seconds["install"] = float(os.environ.get("INSTALL_SECONDS") or 0)
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job is born ignoring SIGINT
        signal.signal(number, _interrupt)
    try:
        with _services(demo) as services:
            return _run(demo, services)
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
    except (ServicesError, ChildDied, ValueError) as failure:
        print(failure, file=sys.stderr)
        return 2


def _whole_number(name: str, default: int) -> int:
    """A variable of the environment; ends the process with a sentence when it is no whole number."""
    given = os.environ.get(name) or str(default)
    if not (given.isascii() and given.isdigit()):
        raise SystemExit(f"{name} must be a whole number; it is {given!r}.")
    return int(given)


def _is_free(port: int) -> bool:
    """Whether nobody listens on a port of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    """Some port that nobody listens on; a report serves nobody, so that any will do."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def _services(demo: Demo) -> Iterator[Services | None]:
    """A fresh folder with a fresh database for this run, or the empty one that the environment names."""
    data = demo.folder / "embedded"
    if data.exists() and running(data) is not None:
        raise ServicesError(f"A demo runs already in {demo.folder}; stop it first.")
    shutil.rmtree(demo.folder, ignore_errors=True)
    demo.folder.mkdir(parents=True)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "VAR_DIR": str(demo.folder),
        "LOG_ORIGIN": f"demo.chipledger/{demo.seed}",
        "LOG_KEY_FILE": str(demo.folder / "log-key.pem"),
        "CHECKPOINT_COPY": str(demo.folder / "checkpoint"),
        "SIMULATED_CLOCK_FILE": str(demo.folder / "clock.json"),
        "ATTESTATION_CADENCE_HOURS": str(7 * 24),
        "SECRET_KEY": secrets.token_urlsafe(48),
        "PUBLIC_URL": f"http://localhost:{demo.port}",
        "WEBHOOKS_TO_LOOPBACK": "true",
    }
    if uses_own_servers():
        yield None
        return
    with start(data, durable=False) as services:
        os.environ |= services.environment()
        yield services


def _run(demo: Demo, services: Services | None) -> int:
    """Load Django, which may happen only now that the environment is set, and show the house at work."""
    import django

    from simulator.plan.world import BEGAN_AT

    SimulatedClock(demo.folder / "clock.json").set(BEGAN_AT)
    django.setup()

    from simulator.demonstration import demonstrate

    return demonstrate(demo, services)


if __name__ == "__main__":
    sys.exit(main())
