"""`manage.py score`: planted against found, for the world that was simulated into this database."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from simulator.ground_truth import FILE_NAME, read_truth
from simulator.scoring import as_object, as_text, read_findings, score


class Command(BaseCommand):
    help = "Compare the findings with the ground truth of the simulated world."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--truth", type=Path, help=f"the truth, by default {FILE_NAME} in VAR_DIR")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: object, **options: Any) -> None:
        path = options["truth"] or Path(settings.VAR_DIR) / FILE_NAME
        if not path.exists():
            raise CommandError(f"{path} does not exist; `manage.py simulate` writes it.")
        result = score(read_truth(path), read_findings())
        self.stdout.write(json.dumps(as_object(result)) if options["json"] else as_text(result))
