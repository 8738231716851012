"""`manage.py report`: the discrepancy report as text, JSON or CSV, narrowed as asked."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audits.models import Finding
from audits.queries import FindingFilter
from audits.reports import write
from audits.rules import RULE_OF
from chipledger import clock
from chipledger.refusals import Refused
from ledger.models import Signer
from registry.models import Site


def day_or_instant(text: str) -> datetime:
    """A day (its beginning) or an RFC 3339 instant; without an offset it is UTC."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(
            f"{text!r} is no day or instant, like 2026-01-31 or 2026-01-31T12:00:00Z"
        ) from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


class Command(BaseCommand):
    help = "Print the discrepancy report: what book and silicon disagree about."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=["text", "json", "csv"], default="text")
        parser.add_argument("--organisation", help="handle of the organisation that must explain")
        parser.add_argument("--site", help="code of the site")
        parser.add_argument("--country", help="country of the site, two letters")
        parser.add_argument(
            "--from", dest="since", type=day_or_instant, help="open on or after this day or instant"
        )
        parser.add_argument(
            "--to", dest="until", type=day_or_instant, help="opened before this day or instant"
        )
        parser.add_argument("--severity", type=int, help="the least severity, 1 to 5")
        parser.add_argument("--rule", choices=sorted(RULE_OF))
        parser.add_argument(
            "--state", choices=[*Finding.State.values, "unresolved", "all"], default="unresolved"
        )

    def handle(self, *args: object, **options: Any) -> None:
        names = ("organisation", "site", "country", "since", "until", "severity", "rule", "state")
        wanted = FindingFilter(
            **{name: options[name] for name in names if options[name] not in (None, "all")}
        )
        _check_known(wanted)
        try:
            findings = wanted.narrow(Finding.objects.all())
        except Refused as refused:
            raise CommandError(str(refused)) from None
        for piece in write(options["format"], findings, at=clock.now()):
            self.stdout.write(piece, ending="")


def _check_known(wanted: FindingFilter) -> None:
    """Refuse an organisation or site that nobody knows: an empty report would be taken for good news."""
    if wanted.organisation is not None and not Signer.objects.filter(handle=wanted.organisation).exists():
        raise CommandError(f"There is no organisation with the handle {wanted.organisation!r}.")
    if wanted.site is not None and not Site.objects.filter(code=wanted.site).exists():
        raise CommandError(f"There is no site with the code {wanted.site!r}.")
