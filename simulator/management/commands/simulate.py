"""`manage.py simulate`: run a seeded world through the public door, into an empty database, on a simulated clock."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chipledger.clock import SimulatedClock
from ledger.models import Statement
from simulator.drive.run import drive
from simulator.ground_truth import FILE_NAME, truth_of, write_truth
from simulator.plan import imagine
from simulator.progress import Progress


class Command(BaseCommand):
    help = "Simulate months of papers and evidence, with planted diversions; the truth goes to a file of its own."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seed", type=int, default=7)
        parser.add_argument("--chips", type=int, default=20_000)
        parser.add_argument("--months", type=int, default=6)
        parser.add_argument("--worker", action="store_true", help="a Celery worker runs and does the jobs")
        parser.add_argument("--integrator", action="store_true", help="an integrator process runs")

    def handle(self, *args: object, **options: Any) -> None:
        if settings.SIMULATED_CLOCK_FILE is None:
            raise CommandError("Set SIMULATED_CLOCK_FILE: a simulation has a clock of its own.")
        if Statement.objects.exists():
            raise CommandError(
                "This log has begun already; a simulation begins its own, in an empty database."
            )
        try:
            world = imagine(options["seed"], chips=options["chips"], months=options["months"])
        except ValueError as error:
            raise CommandError(str(error)) from None
        write_truth(truth_of(world), Path(settings.VAR_DIR) / FILE_NAME)
        driven = drive(
            world,
            SimulatedClock(settings.SIMULATED_CLOCK_FILE),
            has_worker=options["worker"],
            has_integrator=options["integrator"],
            show=Progress("simulate", world.weeks).show,
        )
        self.stdout.write(
            f"{driven.statements:,} statements, {driven.evidence:,} items of evidence, until {world.ends_at:%Y-%m-%d}"
        )
