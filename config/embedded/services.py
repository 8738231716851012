"""The owner's side of the embedded services: start them, join those that run, name them."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from io import FileIO
from pathlib import Path
from types import TracebackType

from config.embedded.plan import (
    CHECKOUT,
    GUARDIAN_LOCK,
    START_LOCK,
    STATE,
    Identity,
    Plan,
    ServicesError,
    try_lock,
)
from config.embedded.postgres import LONGEST_SOCKET_PATH, SOCKET_NAME

JOIN_SECONDS = 120.0
STOP_SECONDS = 120.0
#: Where sockets go when TMPDIR is too long; the folder made there is random and private.
SHORT_FOLDERS = (Path("/var/tmp"), Path("/dev/shm"))


@dataclass(frozen=True)
class Services:
    """A running PostgreSQL and Redis: their addresses, and their process ids when they were started.

    Started services end with ``stop``, their context, or the process that started them; joined ones
    (``guardian`` is None) belong to another process and end with that one.
    """

    database_url: str
    redis_url: str
    runtime: Path
    guardian_pid: int
    postgres_pid: int
    redis_pid: int
    owner: int | None = None
    guardian: subprocess.Popen[bytes] | None = None
    pipe: FileIO | None = None

    def environment(self) -> dict[str, str]:
        """The variables by which everything else finds the services."""
        return {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}

    def stop(self) -> None:
        """Stop what this process started and wait until it is gone; harmless when repeated or joined."""
        if self.guardian is None or self.pipe is None or self.pipe.closed or self.owner != os.getpid():
            return
        with contextlib.suppress(BrokenPipeError):  # it has ended by itself
            self.pipe.write(b"stop\n")
        self.pipe.close()
        try:
            self.guardian.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.guardian.kill()  # its servers are tied to it by the kernel
            self.guardian.wait()
        shutil.rmtree(self.runtime, ignore_errors=True)

    def __enter__(self) -> Services:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def make_runtime_folder() -> Path:
    """A private folder for the sockets, short enough for the kernel's 107 bytes."""
    for parent in (Path(tempfile.gettempdir()), *SHORT_FOLDERS):
        longest = len(os.fsencode(parent / "chipledger-12345678" / SOCKET_NAME))
        if longest <= LONGEST_SOCKET_PATH and os.access(parent, os.W_OK | os.X_OK):
            return Path(tempfile.mkdtemp(prefix="chipledger-", dir=parent))
    raise ServicesError("There is no writable temporary folder whose path is short enough for a unix socket.")


def start(data_dir: Path | None, *, durable: bool, identity: Identity | None = None) -> Services:
    """Start a private PostgreSQL and Redis, which end when this process ends, whatever ends it.

    ``data_dir`` None makes an ephemeral cluster, deleted at the end; ``durable`` says whether a commit
    survives a crash of the machine. ``identity`` is for a caller that knows better than the guardian how
    to leave root. Raises ServicesError when they do not start or already run on that folder.
    """
    runtime = make_runtime_folder()
    data = runtime / "data" if data_dir is None else data_dir.resolve()
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        return launch(
            Plan(
                owner=os.getpid(),
                runtime=runtime,
                data=data,
                ephemeral=data_dir is None,
                durable=durable,
                identity=identity,
            )
        )
    except BaseException:
        shutil.rmtree(runtime, ignore_errors=True)
        raise


def launch(plan: Plan) -> Services:
    """Start the guardian of a plan and wait until both services answer."""
    theirs, ours = os.pipe()
    pipe = FileIO(ours, "wb")
    try:
        with (plan.data / "guardian.log").open("ab") as log:
            guardian = subprocess.Popen(
                [sys.executable, "-m", "config.embedded.guardian"],
                cwd=CHECKOUT,
                stdin=theirs,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C at the owner's terminal is the owner's to answer
            )
    finally:
        os.close(theirs)
    try:
        pipe.write(plan.to_line().encode())
        reply = b"" if guardian.stdout is None else guardian.stdout.readline()
        answered = _services_in(json.loads(reply or b'{"error": "The guardian died before it answered."}'))
    except BaseException:
        pipe.close()
        guardian.wait()
        raise
    finally:
        if guardian.stdout is not None:
            guardian.stdout.close()
    services = replace(answered, owner=os.getpid(), guardian=guardian, pipe=pipe)
    atexit.register(services.stop)
    return services


def _services_in(state: dict[str, object]) -> Services:
    if "error" in state:
        raise ServicesError(str(state["error"]))
    return Services(
        database_url=str(state["database_url"]),
        redis_url=str(state["redis_url"]),
        runtime=Path(str(state["runtime"])),
        guardian_pid=int(str(state["guardian_pid"])),
        postgres_pid=int(str(state["postgres_pid"])),
        redis_pid=int(str(state["redis_pid"])),
    )


def running(data_dir: Path) -> Services | None:
    """The services that another process runs on a data folder, or None when nobody does.

    Waits while they are starting or stopping. Raises ServicesError when that takes longer than two minutes.
    """
    deadline = time.monotonic() + JOIN_SECONDS
    while time.monotonic() < deadline:
        free = try_lock(data_dir / GUARDIAN_LOCK)
        if free is not None:
            os.close(free)
            return None
        try:
            return _services_in(json.loads((data_dir / STATE).read_text(encoding="utf-8")))
        except FileNotFoundError:
            time.sleep(0.05)
    raise ServicesError(f"Another process holds {data_dir} but its services neither start nor stop.")


def join_or_start(data_dir: Path) -> Services:
    """The services of a data folder: those that run, else durable ones for the life of this process."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (data_dir / START_LOCK).open("a") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        return running(data_dir) or start(data_dir, durable=True)


def uses_own_servers() -> bool:
    """Whether the environment names servers to use; raises ServicesError when it names only one of two."""
    named = [name for name in ("DATABASE_URL", "REDIS_URL") if os.environ.get(name)]
    if len(named) == 1:
        raise ServicesError(f"Only {named[0]} is set: set both DATABASE_URL and REDIS_URL, or neither.")
    return bool(named)


def ensure(data_dir: Path) -> Services | None:
    """Point this process at a database and a broker: those the environment names, else the embedded ones.

    Returns None when the environment names them.
    """
    if uses_own_servers():
        return None
    services = join_or_start(data_dir)
    os.environ.update(services.environment())
    return services
