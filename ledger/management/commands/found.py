"""`manage.py found`: make the log's key when there is none, and open the log with a signed genesis statement."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from chipledger import base64s
from chipledger.refusals import Refused
from ledger import door, integrator
from ledger.log_key import create_log_key, log_key, note_key


class Command(BaseCommand):
    help = "Open the log. Without --envelope, only make the log key and print its public side."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--envelope", help="the signed ledger.founded envelope, or - for standard input")

    def handle(self, *args: object, **options: object) -> None:
        create_log_key()
        self.stdout.write(f"log key: {note_key().vkey}")
        self.stdout.write(f"log_key of the genesis statement: {base64s.encode(log_key().public.spki)}")
        name = options["envelope"]
        if not name:
            return
        raw = sys.stdin.buffer.read() if name == "-" else Path(str(name)).read_bytes()
        try:
            outcome = door.submit(raw)
        except Refused as refused:
            raise CommandError(str(refused)) from None
        integrator.integrate()
        self.stdout.write(f"founded: {outcome.digest.hex()}")
