"""The web server of the house, started for a measurement and stopped after it."""

from __future__ import annotations

import os
import socket
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from django.conf import settings

from config.commands import commands
from config.processes import Processes

START_SECONDS = 60.0


class WebServer:
    """Gunicorn with two workers on a free port of loopback, on the database that ``DATABASE_URL`` names."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = int(listener.getsockname()[1])
        self._var = tempfile.TemporaryDirectory(prefix="chipledger-bench-web-")
        self._processes = Processes(logs=Path(self._var.name), cwd=settings.BASE_DIR)
        command = commands(bind=f"127.0.0.1:{self.port}", var=Path(os.environ["VAR_DIR"]))["web"]
        self.pid = self._processes.start("web", command, environment=environment)
        self._wait()

    def peak_mb(self) -> float:
        """The most memory that one of its processes has had."""
        return self._processes.peak_mb()["web"]

    def stop(self) -> None:
        """End it."""
        self._processes.stop_all()
        self._var.cleanup()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            self._processes.check()
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise RuntimeError("the web server did not start")
