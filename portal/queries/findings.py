"""What a finding is about and what it was made from, as a page shows it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from django.db.models import QuerySet
from django.urls import reverse

from audits import reports
from audits.models import Finding
from audits.queries import with_names
from audits.rules import RULE_OF
from audits.rules.rule import Rule
from registry.access import Reader
from web.durations import stamp

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True)
class Subject:
    """What a finding is about, and where that is to be looked at. ``chip`` is `maker/serial` when it is one."""

    label: str
    url: str | None = None
    chip: str = ""


def named(findings: QuerySet[Finding]) -> QuerySet[Finding]:
    """Findings with all that a line of a list says of them."""
    return with_names(findings).select_related("chip__maker__signer", "transfer")


def rows_of(findings: QuerySet[Finding]) -> list[tuple[Finding, Rule, Subject]]:
    """Lines of a short list: each finding, its rule, and what it is about."""
    return [(finding, RULE_OF[finding.rule], about(finding)) for finding in findings]


def about(finding: Finding) -> Subject:
    """The subject of a finding, with its page."""
    if (chip := finding.chip) is not None:
        return Subject(chip.name, reverse("chip", args=chip.name.split("/")), chip.name)
    if finding.transfer is not None:
        digest = bytes(finding.transfer.digest).hex()
        return Subject(f"transfer {digest[:12]}…", reverse("transfer", args=[digest]))
    kind, _, rest = finding.subject.partition(":")
    if kind == "cluster" and finding.policy is not None:
        key = rest.partition(":")[2]
        # Whoever is cited for a cluster that it shares may not open it; one that is closed may be no more.
        if finding.closed_at is not None or finding.frozen.get("arithmetic", {}).get("is_shared"):
            return Subject(key, f"{reverse('clusters')}?policy={finding.policy.code}")
        return Subject(key, reverse("cluster", args=[finding.policy.code, key]))
    if kind == "count":
        site, _, name = rest.partition(":")
        return Subject(f"{name} at {site}", f"{reverse('stock-takes')}?site={site}")
    return Subject(rest or finding.subject)


def cells(finding: Finding, reader: Reader) -> tuple[object, ...]:
    """A finding as a line of the export. Third parties are for regulators alone, unless it is about a transfer."""
    row = reports.cells(finding)
    if reader.is_regulator or finding.transfer_id is not None:
        return row
    hidden = reports.HEADER.index("counterparty")
    return *row[:hidden], None, *row[hidden + 1 :]


def arithmetic(finding: Finding, reader: Reader) -> list[tuple[str, str]]:
    """What was frozen when the finding was made, flattened; what is confidential only to a regulator."""
    frozen = dict(finding.frozen)
    confidential = frozen.pop("confidential", None)
    rows = list(chain.from_iterable(_flatten(name, value) for name, value in frozen.items()))
    if reader.is_regulator and confidential:
        rows += _flatten("confidential", confidential)
    return rows


def _flatten(name: str, value: object) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return list(chain.from_iterable(_flatten(inner, each) for inner, each in value.items()))
    return [(name.replace("_", " "), _text(value))]


def _text(value: object) -> str:
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case list():
            return ", ".join(_text(each) for each in value)
        case str() if _INSTANT.fullmatch(value):
            return stamp(datetime.fromisoformat(value))
    return str(value)
