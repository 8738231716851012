"""Running a world from its first day to its last sweep, week by week, under the simulated clock."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Protocol

from audits.actions.sweeps import request_sweep
from chipledger.clock import SimulatedClock
from ledger import integrator
from simulator.drive.desk import Desk
from simulator.drive.gateways import Gateways
from simulator.drive.opening import open_world
from simulator.drive.papers import Clerk
from simulator.drive.signing import stay_quiet
from simulator.plan.rounds import rounds_of
from simulator.plan.world import BEGAN_AT, World, round_at, sweep_at


class Shows(Protocol):
    """Something that shows progress."""

    def __call__(self, done: int, note: str = "") -> None: ...


def _show_nothing(done: int, note: str = "") -> None:
    return None


@dataclass
class Driven:
    """What a run did, and how long it took."""

    statements: int = 0
    evidence: int = 0
    not_accepted: int = 0
    seconds: dict[str, float] = field(default_factory=lambda: {"simulate": 0.0, "sweep": 0.0})


@contextmanager
def signing_pool() -> Iterator[Executor]:
    """Processes in which chips and gateways sign, beside the door: all cores but one."""
    processes = max(1, (os.cpu_count() or 2) - 1)
    with ProcessPoolExecutor(
        processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=stay_quiet,
        initargs=(os.getpid(),),
    ) as pool:
        yield pool


def drive(
    world: World,
    clock: SimulatedClock,
    *,
    has_worker: bool,
    has_integrator: bool,
    show: Shows = _show_nothing,
) -> Driven:
    """File everything a world consists of, sweep every week, and leave the clock at the last sweep.

    ``has_worker`` and ``has_integrator`` say whether those processes run; otherwise their work is done here.
    """
    driven = Driven()
    desk = Desk(world.seed, has_worker)
    began = time.monotonic()
    clock.set(BEGAN_AT)
    open_world(world, desk)
    clerk = Clerk(world, desk)
    papers = iter(world.papers)
    waiting = next(papers, None)
    with signing_pool() as pool:
        gateways = Gateways(world, desk, pool)
        for week, answers in enumerate(rounds_of(world)):
            for instant, collects in ((round_at(week), True), (sweep_at(week), False)):
                while waiting is not None and waiting.at < instant:
                    if waiting.at > clock.now():
                        desk.catch_up()  # a job takes its time from the clock, and so must be done before it moves on
                        clock.set(waiting.at)
                    clerk.file(waiting)
                    waiting = next(papers, None)
                desk.catch_up()
                clock.set(instant)
                if collects:
                    gateways.collect(answers)
            driven.seconds["sweep"] += _sweep(desk, has_integrator=has_integrator)
            show(week + 1, f"week {week + 1} of {world.weeks}, {gateways.collected:,} items of evidence")
    driven.statements, driven.evidence = desk.submitted, gateways.collected
    driven.not_accepted = gateways.not_accepted
    driven.seconds["simulate"] = time.monotonic() - began - driven.seconds["sweep"]
    return driven


def _sweep(desk: Desk, *, has_integrator: bool) -> float:
    """Let the audits look, as the clock stands; returns how many seconds that took."""
    if not has_integrator:
        integrate_all()
    began = time.monotonic()
    job = request_sweep()
    if job is not None:
        desk.finish(job.pk)
    return time.monotonic() - began


def integrate_all() -> None:
    """Give every pending statement its place in the log."""
    for _ in takewhile(bool, iter(integrator.integrate, None)):
        continue
