"""The demo itself, once the services run: processes, simulation, report, replay, and then the pages or the end."""

from __future__ import annotations

import json
import os
import sys
import time
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from django.core.management import call_command
from django.db import connection

from chipledger.clock import SimulatedClock
from config.commands import commands, worker
from config.embedded import Services
from config.processes import Processes, peak_bytes, process_tree
from ledger.models import PendingEntry, Statement
from ledger.replay import replay
from simulator.drive.desk import Desk
from simulator.drive.run import drive
from simulator.drive.stock_take import count_a_quiet_site
from simulator.ground_truth import FILE_NAME, truth_of, write_truth
from simulator.plan import imagine
from simulator.plan.world import World
from simulator.progress import Progress
from simulator.scoring import GRAVE, Score, as_object, as_text, read_findings, score
from simulator.sign_ins import make_sign_ins, who_is_shown
from simulator.tour import write_tour

if TYPE_CHECKING:
    from simulator.demo import Demo

WAIT_SECONDS: Final = 60.0
REPORT_LINES: Final = 60
DIFFERS: Final = 3


def demonstrate(demo: Demo, services: Services | None) -> int:
    """Run the whole house on a simulated world; returns the exit code."""
    world = imagine(demo.seed, chips=demo.chips, months=demo.months)
    truth = truth_of(world)
    write_truth(truth, demo.folder / FILE_NAME)
    call_command("migrate", verbosity=0)
    if Statement.objects.exists():
        raise ValueError("The database that DATABASE_URL names holds a log already; a demo begins its own.")
    call_command("collectstatic", verbosity=0, interactive=False)
    clock = SimulatedClock(demo.folder / "clock.json")
    with Processes(logs=demo.folder / "logs", cwd=demo.checkout) as processes:
        _start(demo, processes)
        began = time.monotonic()
        driven = drive(
            world, clock, has_worker=True, has_integrator=True, show=Progress("simulate", world.weeks).show
        )
        _wait_for_log()
        demo.seconds["sweep"] = driven.seconds["sweep"]
        demo.seconds["simulate"] = time.monotonic() - began - demo.seconds["sweep"]
        processes.check()
        _print_report(demo.folder / "report.txt")
        result = score(truth, read_findings())
        print(as_text(result), flush=True)
        count_a_quiet_site(world, Desk(world.seed, has_worker=True), by=who_is_shown(world)["operator"])
        _wait_for_log()
        differences = _replay(demo)
        if demo.only_report:
            print(json.dumps(last_line(demo, result, differences, processes, services)), flush=True)
            return DIFFERS if differences else 0
        clock.set(world.ends_at, running=True)
        _serve(demo, world, processes)
    return DIFFERS if differences else 0


def _start(demo: Demo, processes: Processes) -> None:
    argv = commands(bind=f"127.0.0.1:{demo.port}", var=demo.folder)
    argv["worker"] = worker("celery", "notices", at_once=2)  # a small house: one for both queues
    for name in ("web", "worker", "beat", "integrator"):
        processes.start(name, argv[name])
    processes.check()


def _wait_for_log() -> None:
    """Wait until the integrator has given everything its place in the log."""
    deadline = time.monotonic() + WAIT_SECONDS
    while PendingEntry.objects.exists():
        if time.monotonic() > deadline:
            raise RuntimeError("the integrator does not keep up; see its log")
        time.sleep(0.1)


def _print_report(path: Path) -> None:
    """The beginning of the discrepancy report, its gravest findings; the whole of it goes to a file."""
    out = StringIO()
    call_command("report", severity=GRAVE, stdout=out)
    path.write_text(out.getvalue(), encoding="utf-8")
    lines = out.getvalue().splitlines()
    print("\n".join(islice(lines, REPORT_LINES)))
    if len(lines) > REPORT_LINES:
        print(f"  … and {len(lines) - REPORT_LINES} lines more, in {path}")
    print(flush=True)


def _replay(demo: Demo) -> int:
    """Build the book again from the log; returns in how many rows it differs."""
    began = time.monotonic()
    progress: list[Progress] = []

    def show(done: int, total: int) -> None:
        if not progress:
            progress.append(Progress("replay", total))
        progress[0].show(done, f"{done:,} of {total:,} statements")

    found = replay(show)
    demo.seconds["replay"] = time.monotonic() - began
    for difference in found:
        print(f"replay differs in {difference.table}: {difference.samples}")
    rows = sum(difference.only_in_book + difference.only_in_replay for difference in found)
    print(
        "The book, replayed from the log, is the same.\n" if not rows else f"{rows} rows differ.\n",
        flush=True,
    )
    return rows


def last_line(
    demo: Demo, result: Score, differences: int, processes: Processes, services: Services | None
) -> dict[str, object]:
    """What the run found and took, for machines."""
    peaks = processes.peak_mb() | {"simulator": _peak_mb([os.getpid()])}
    if services is not None:
        peaks["postgres"] = _peak_mb(process_tree(services.postgres_pid))
        peaks["redis"] = _peak_mb([services.redis_pid])
    return {
        **as_object(result),
        "replay_differences": differences,
        "seconds": {
            name: round(demo.seconds[name], 1) for name in ("install", "simulate", "sweep", "replay")
        },
        "peak_mb": peaks,
    }


def _peak_mb(pids: list[int]) -> int:
    """The peak memory of the largest of some processes, in MB (10^6 bytes)."""
    return -(-max(peak_bytes(pid) for pid in pids) // 10**6)


def _serve(demo: Demo, world: World, processes: Processes) -> None:
    """Serve the pages until somebody stops us; the clock runs on from the last sweep."""
    sign_ins = make_sign_ins(world, at=world.ends_at)
    address = f"http://localhost:{demo.port}/"
    handles = {each.role: each.organisation for each in sign_ins}
    tour = write_tour(
        world,
        demo.folder,
        maker=handles["maker"],
        operator=handles["operator"],
        address=address,
        at=world.ends_at,
    )
    connection.close()
    _wait_for_web(address, processes)
    print(f"Chipledger runs at {address}\n")
    for each in sign_ins:
        print(f"  {each.role:<10} {each.organisation:<26} {each.email:<26} {each.password}")
    print(f"\nFor the command line: source {tour}")
    print(f"Logs are in {demo.folder / 'logs'}. Ctrl-C stops everything.", flush=True)
    while True:
        processes.check()
        time.sleep(1)


def _wait_for_web(address: str, processes: Processes) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        processes.check()
        try:
            urlopen(address, timeout=10).close()  # noqa: S310 - our own address
            return
        except HTTPError:
            return
        except (URLError, OSError):
            time.sleep(0.3)
    print(f"{address} does not answer yet; see the log of web.", file=sys.stderr)
