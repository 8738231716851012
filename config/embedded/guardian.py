"""The guardian: the process that starts the two servers for an owner and stops them when the owner ends.

It reads its plan as the first line of standard input, answers one line of JSON, and then waits for the end.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import FrameType
from urllib.parse import quote

from config.embedded import postgres, redis, unprivileged
from config.embedded.lifeline import Lifeline
from config.embedded.plan import GUARDIAN_LOCK, STATE, Identity, Plan, ServicesError, try_lock
from config.embedded.server import Server

ROUND_SECONDS = 0.25


def read_plan() -> Plan:
    """The plan on the first line of standard input, leaving what follows for the lifeline."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            raise ServicesError("the owner went away before it said what to start")
        line += byte
    return Plan.from_line(line.decode())


def answer(message: dict[str, object]) -> None:
    """Tell the owner, once; it may be gone."""
    with contextlib.suppress(OSError):
        os.write(1, json.dumps(message).encode() + b"\n")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.close(silence)


def place_for_nobody(plan: Plan, programs: Path) -> tuple[Plan, Path]:
    """Move what nobody must own or execute to where nobody can; the owner's own folders stay as they are."""
    unprivileged.give_to_nobody(plan.runtime)
    if plan.ephemeral:
        unprivileged.give_to_nobody(plan.data)
    else:
        plan = replace(plan, data=unprivileged.data_for_nobody(plan.data))
    return plan, unprivileged.programs_for_nobody(programs)


def prepare(plan: Plan) -> list[Server]:
    """The two servers of a plan, not yet started."""
    programs = postgres.find_programs()
    identity = plan.identity or unprivileged.choose_identity(programs / "postgres", within=plan.data)
    log = plan.data / "postgresql.log"
    redis_log = plan.data / "redis.log"
    if identity is Identity.NOBODY:
        plan, programs = place_for_nobody(plan, programs)
    database = postgres.Postgres(
        programs=programs,
        data=plan.data / "postgresql",
        sockets=plan.runtime,
        log=log,
        durable=plan.durable,
        identity=identity,
    )
    return [database, redis.Redis(program=redis.find_program(), sockets=plan.runtime, log=redis_log)]


def start_all(plan: Plan, lifeline: Lifeline, started: list[Server]) -> dict[str, object]:
    """Start the servers, noting each in ``started``, and return what the owner needs to know."""
    for server in prepare(plan):
        started.append(server)
        if isinstance(server, postgres.Postgres):
            server.initialise()
        server.start(lifeline)
        if isinstance(server, postgres.Postgres):
            server.create_database()
    database, broker = started
    host = quote(str(plan.runtime), safe="")
    return {
        "database_url": f"postgresql://{postgres.USER}@{host}/{postgres.DATABASE}",
        "redis_url": f"unix://{quote(str(plan.runtime / redis.SOCKET_NAME))}?db=0",
        "guardian_pid": os.getpid(),
        "postgres_pid": database.pid,
        "redis_pid": broker.pid,
        "runtime": str(plan.runtime),
    }


def forget_former_guardian(plan: Plan) -> None:
    """Clear what a guardian that was itself killed left behind: its state file and its sockets."""
    state = plan.data / STATE
    try:
        runtime = Path(json.loads(state.read_text(encoding="utf-8"))["runtime"])
    except (OSError, ValueError, KeyError):
        return
    state.unlink()
    shutil.rmtree(runtime, ignore_errors=True)


def publish(plan: Plan, state: dict[str, object]) -> None:
    """Write the state file by which other processes join these services."""
    unfinished = plan.data / (STATE + ".unfinished")
    unfinished.write_text(json.dumps(state), encoding="utf-8")
    unfinished.replace(plan.data / STATE)


def guard(plan: Plan, lifeline: Lifeline) -> None:
    """Run the servers of a plan until its owner ends, reviving one that dies, and leave nothing behind."""
    if try_lock(plan.data / GUARDIAN_LOCK) is None:
        shutil.rmtree(plan.runtime, ignore_errors=True)
        raise ServicesError(f"Services for {plan.data} are already running.")
    started: list[Server] = []
    try:
        forget_former_guardian(plan)
        state = start_all(plan, lifeline, started)
        publish(plan, state)
        answer(state)
        while not lifeline.is_cut(within=ROUND_SECONDS):
            for server in started:
                if server.has_died():
                    server.revive(lifeline)
    finally:
        (plan.data / STATE).unlink(missing_ok=True)
        for server in reversed(started):
            server.stop()
        shutil.rmtree(plan.runtime, ignore_errors=True)
        if plan.ephemeral:
            shutil.rmtree(plan.data, ignore_errors=True)


def main() -> int:
    """Guard one plan from standard input; 1 when the services could not be started or kept alive."""
    os.umask(0o077)
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]  # meant for another server; PGPORT would even rename our socket
    try:
        plan = read_plan()
        lifeline = Lifeline(owner=plan.owner, pipe=0)

        def end(_number: int, _frame: FrameType | None) -> None:
            lifeline.cut()

        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, end)
        guard(plan, lifeline)
    except (ServicesError, OSError, subprocess.SubprocessError) as failure:
        print(failure, file=sys.stderr)
        answer({"error": str(failure)})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
