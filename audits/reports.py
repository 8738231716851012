"""The discrepancy report as text, JSON or CSV. Rows stream, so that memory does not grow with their number."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet

from audits import queries
from audits.models import Finding
from audits.rules import RULE_OF
from web.durations import lateness, stamp
from web.exports import csv_lines

HEADER = (
    "finding", "rule", "nature", "severity", "subject", "organisation", "counterparty", "site", "country", "state",
    "closing", "root_cause", "began_at", "opened_at", "due_at", "closed_at",
)  # fmt: skip
CHUNK = 2_000


def cells(finding: Finding) -> tuple[object, ...]:
    """One finding as a row under ``HEADER``."""
    return (
        finding.uid.hex,
        finding.rule,
        finding.nature,
        finding.severity,
        finding.subject,
        finding.organisation.signer.handle,
        finding.counterparty.signer.handle if finding.counterparty else None,
        finding.site.code if finding.site else None,
        finding.site.country if finding.site else None,
        finding.state,
        finding.closing,
        finding.root_cause,
        finding.began_at,
        finding.opened_at,
        finding.due_at,
        finding.closed_at,
    )


def worst_first(findings: QuerySet[Finding]) -> Iterator[Finding]:
    """Findings with their names, the gravest first and those of one rule together, a few thousand at a time."""
    ordered = queries.with_names(findings).order_by("-severity", "rule", "subject", "pk")
    return ordered.iterator(chunk_size=CHUNK)


def as_csv(findings: QuerySet[Finding]) -> Iterator[str]:
    """The report as RFC 4180 CSV with a header line."""
    for chunk in csv_lines(HEADER, (cells(finding) for finding in worst_first(findings))):
        yield chunk.decode()


def as_json(findings: QuerySet[Finding], *, at: datetime) -> Iterator[str]:
    """The report as one JSON object: when it was made, the counts, then every finding with its arithmetic."""
    encode = DjangoJSONEncoder().encode
    counts = [vars(tally) for tally in queries.tally(findings)]
    yield f'{{"at": {encode(at)}, "counts": {encode(counts)}, "findings": ['
    separator = "\n"
    for finding in worst_first(findings):
        row = dict(zip(HEADER, cells(finding), strict=True)) | {"frozen": finding.frozen}
        yield separator + encode(row)
        separator = ",\n"
    yield "\n]}\n"


def as_text(findings: QuerySet[Finding], *, at: datetime) -> Iterator[str]:
    """The report for people: counts first, then the rows under their severity and rule."""
    counts = queries.tally(findings)
    yield f"Discrepancy report, {stamp(at)}\n"
    lag = queries.sweep_lag(at=at)
    newest = queries.newest_sweep()
    yield f"Newest sweep: {stamp(newest.at) if newest else 'none has finished'}"
    yield "  (LATE: findings cannot be relied on)\n\n" if queries.is_lagging(lag) else "\n\n"
    yield f"{'severity':>8}  {'rule':<20}  {'findings':>9}\n"
    for tally in counts:
        yield f"{tally.severity:>8}  {tally.rule:<20}  {tally.findings:>9,}\n"
    yield f"{'':>8}  {'together':<20}  {sum(tally.findings for tally in counts):>9,}\n"
    for (severity, rule), group in groupby(
        worst_first(findings), key=lambda found: (found.severity, found.rule)
    ):
        yield f"\nSeverity {severity} · {rule}: {RULE_OF[rule].title}\n"
        for finding in group:
            site = finding.site.code if finding.site else "-"
            standing = lateness(finding.due_at, now=at) if finding.closed_at is None else finding.closing
            yield f"  {finding.subject:<78}  {finding.organisation.signer.handle:<24}  {site:<24}"
            yield f"  {finding.state:<9}  {standing}\n"


def write(format_name: str, findings: QuerySet[Finding], *, at: datetime) -> Iterator[str]:
    """The report in one of its formats, piece by piece."""
    if format_name == "csv":
        return as_csv(findings)
    return as_json(findings, at=at) if format_name == "json" else as_text(findings, at=at)
