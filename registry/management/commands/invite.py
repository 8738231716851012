"""`manage.py invite`: the letter to the first administrator of a first regulator, whom nobody inside can invite yet."""

from __future__ import annotations

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from chipledger import clock
from chipledger.refusals import Refused
from registry.actions.joining import invite
from registry.models import Role
from registry.queries.lookups import known_organisation


class Command(BaseCommand):
    help = "Send the first administrator of an organisation a letter with a link that works once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("organisation", help="handle of the organisation")
        parser.add_argument("email")

    def handle(self, *args: object, **options: str) -> None:
        try:
            organisation = known_organisation(options["organisation"])
        except Refused as refused:
            raise CommandError(str(refused)) from None
        invite(organisation, email=options["email"], role=Role.ADMINISTRATOR, at=clock.now())
        self.stdout.write(f"invited: {options['email']} as administrator of {organisation.name}")
