"""`manage.py integrate`: the integrator process, once a second, or `--once` until nothing waits."""

from __future__ import annotations

import logging
import signal
import threading
from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError, connection

from ledger import integrator

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Give pending statements their place in the log, and sign checkpoints."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="stop when nothing waits")
        parser.add_argument("--interval", type=float, default=1.0, help="seconds between checkpoints")

    def handle(self, *args: object, **options: object) -> None:
        stopping = threading.Event()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, lambda *_: stopping.set())
        try:
            while not stopping.is_set():
                try:
                    done = integrator.integrate()
                except integrator.NotAlone:
                    done = 0
                except (OperationalError, InterfaceError) as error:
                    if options["once"]:
                        raise
                    logger.warning("The database is away; trying again: %s", error)
                    connection.close()
                    done = 0
                if options["once"] and not done:
                    return
                if done < integrator.BATCH and not options["once"]:
                    stopping.wait(float(str(options["interval"])))
        except integrator.Forked as forked:
            raise CommandError(str(forked)) from None
