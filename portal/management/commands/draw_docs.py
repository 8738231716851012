"""`manage.py draw_docs`: write the parts of the docs that are tables in the code. `--check` only says what is stale."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from audits.rules import RULES
from ledger.authority import AUTHORITY
from ledger.models import KeyRole, SignerKind
from tracking.rules.diagrams import draw_accounts, draw_transfers

NOTE = "<!-- Written by `manage.py draw_docs` from the code; edit the code. -->\n\n"


def authority() -> str:
    """Who may sign what."""
    lines = ["# Who may sign what", "", "| statement | organisations | keys held as |", "|---|---|---|"]
    for kind, grant in AUTHORITY.items():
        kinds = "any" if grant.organisations == set(SignerKind) else ", ".join(sorted(grant.organisations))
        roles = "any" if grant.roles == set(KeyRole) else ", ".join(sorted(grant.roles))
        lines.append(f"| `{kind}` | {kinds} | {roles} |")
    return "\n".join(lines) + "\n"


def states() -> str:
    """The life of a transfer, and of a chip's account."""
    transfers, accounts = draw_transfers(), draw_accounts()
    return (
        f"# States\n\n## A transfer\n\n```mermaid\n{transfers}```\n\n"
        f"## The account of a chip\n\n```mermaid\n{accounts}```\n"
    )


def rules() -> str:
    """What the audits look for."""
    lines = [
        "# Rules",
        "",
        "| rule | nature | from severity | who must explain | what to do next |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| `{rule.code}` | {rule.nature} | {rule.severity} | {rule.cites} | {rule.next_step} |"
        for rule in RULES
    ]
    return "\n".join(lines) + "\n"


PAGES: dict[str, Callable[[], str]] = {"authority.md": authority, "states.md": states, "rules.md": rules}


class Command(BaseCommand):
    help = "Write docs/generated from the tables in the code."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing, fail when a page is stale")

    def handle(self, *args: object, **options: object) -> None:
        folder = Path(settings.BASE_DIR) / "docs" / "generated"
        stale = []
        for name, draw in PAGES.items():
            page, text = folder / name, NOTE + draw()
            if not page.exists() or page.read_text(encoding="utf-8") != text:
                stale.append(name)
                if not options["check"]:
                    page.write_text(text, encoding="utf-8")
        if options["check"] and stale:
            raise CommandError(f"Run `make docs`: {', '.join(stale)} is not what the code says.")
