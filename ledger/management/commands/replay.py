"""`manage.py replay`: build the book again from the log, and report any difference."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict

from django.core.management.base import BaseCommand, CommandError

from ledger.replay import replay


class Command(BaseCommand):
    help = "Rebuild the book from the log into a second schema, and report every difference."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: object, **options: object) -> None:
        differences = replay()
        if options["json"]:
            self.stdout.write(json.dumps({"differences": [asdict(difference) for difference in differences]}))
        elif not differences:
            self.stdout.write("The replayed book is the same.")
        for difference in [] if options["json"] else differences:
            self.stdout.write(
                f"{difference.table}: {difference.only_in_book} rows only in the book, "
                f"{difference.only_in_replay} only in the replay"
            )
            for sample in difference.samples:
                self.stdout.write(f"  {sample}")
        if differences:
            raise CommandError("The replayed book differs from the book.", returncode=3)
