"""The figures and rows of the first page, for each role."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, QuerySet, Sum

from audits import queries as audits
from audits.models import Balance, Cluster, Finding
from jobs.models import Job
from ledger import log
from ledger.models import Statement
from portal.queries import world
from portal.queries.batches import batches_of
from portal.queries.findings import named, rows_of
from portal.queries.stock_takes import due_stock_takes
from portal.queries.transfers import state_of
from registry.access import Reader, visible
from tracking.models import OPEN_TRANSFERS, AccountKind, Holding, Transfer
from tracking.queries.transfers import with_parties
from web.components import Column
from web.two_lines import draw_counts

SHOWN: Final = 12
SOON: Final = timedelta(days=7)
FINDING_COLUMNS = (
    Column("Severity"),
    Column("Finding"),
    Column("About"),
    Column("Must explain"),
    Column("Due"),
)
TRANSFER_COLUMNS = (
    Column("Transfer"),
    Column("From"),
    Column("To"),
    Column("Under way", numeric=True),
    Column("Receipt due"),
)
INCOMING_COLUMNS = (
    *TRANSFER_COLUMNS[:-1],
    Column("Estimated arrival"),
    Column("Receipt due"),
    Column("State"),
    Column(""),
)
CLUSTER_COLUMNS = (
    Column("Cluster"),
    Column("Policy"),
    Column("H100-equivalents", numeric=True),
    Column("Chips", numeric=True),
    Column("Against the line"),
    Column("Of the line", numeric=True),
)
PLACE_COLUMNS = (
    Column("Site"),
    Column("Country"),
    Column("H100-equivalents", numeric=True),
    Column("Worst open finding"),
)
READING_COLUMNS = (
    Column("Day"),
    Column("In service, by the book", numeric=True),
    Column("Seen by hardware", numeric=True),
    Column("Difference", numeric=True),
)
STOCK_TAKE_COLUMNS = (
    Column("Site"),
    Column("Country"),
    Column("Last counted"),
    Column("Due"),
    Column(""),
)
BATCH_COLUMNS = (
    Column("Accepted"),
    Column("Site"),
    Column("Chips", numeric=True),
    Column("Log №", numeric=True),
)
STOCK_COLUMNS = (Column("Model"), Column("Site"), Column("Account"), Column("Chips", numeric=True))
BATCH_JOBS: Final = {"portal.check-batch": "Check", "ledger.book": "Registration"}
JOB_COLUMNS = (Column("Started"), Column("Work"), Column("State"), Column("Rows", numeric=True))


def for_regulator(reader: Reader, *, at: datetime, part: str = "") -> dict[str, object]:
    """Sites on the map, book against silicon, findings by age, transfers overdue, clusters, and whether all goes on.

    ``part`` is the part of the world that the map shows.
    """
    findings = visible(reader, Finding).filter(closed_at__isnull=True)
    clusters = visible(reader, Cluster)
    places = world.places_of(reader)
    readings = world.readings_of(reader, at=at)
    balances = visible(reader, Balance).aggregate(
        book=Sum("installed"), seen=Sum("seen_hardware"), gap=Sum("unaccounted")
    )
    overdue = _overdue(reader, at=at)
    return {
        "world": world.world_of(places, part),
        "places": sorted(places, key=lambda place: (-place.weight, place.label))[:SHOWN],
        "place_columns": PLACE_COLUMNS,
        "lines": draw_counts(readings, now=at),
        "readings": readings[::-1],
        "reading_columns": READING_COLUMNS,
        "ages": world.by_age(findings, at=at),
        "age_columns": (Column("Severity"), *(Column(age, numeric=True) for age in world.AGES)),
        "findings": rows_of(_worst(findings)),
        "finding_columns": FINDING_COLUMNS,
        "overdue": overdue.order_by("due_at", "pk")[:SHOWN],
        "overdue_total": overdue.count(),
        "transfer_columns": TRANSFER_COLUMNS,
        "standings": world.standings(clusters, shown=SHOWN),
        "clusters_total": clusters.filter(is_above=True).count(),
        "cluster_columns": CLUSTER_COLUMNS,
        "balances": {name: value or 0 for name, value in balances.items()},
        "checkpoint": log.latest_checkpoint(),
        "sweep": audits.newest_sweep(),
        "is_lagging": audits.is_lagging(audits.sweep_lag(at=at)),
    }


def for_holder(reader: Reader, *, at: datetime) -> dict[str, object]:
    """What is due, each by its own clock: what comes in, what must be explained, what went out and is overdue."""
    under_way = with_parties(visible(reader, Transfer)).filter(state__in=OPEN_TRANSFERS)
    incoming = under_way.filter(consignee=reader.organisation)
    outgoing = under_way.filter(sender=reader.organisation)
    findings = visible(reader, Finding).filter(closed_at__isnull=True, organisation=reader.organisation)
    return {
        "incoming": [(each, *state_of(each, at=at)) for each in incoming.order_by("due_at", "pk")[:SHOWN]],
        "incoming_total": incoming.count(),
        "incoming_columns": INCOMING_COLUMNS,
        "outgoing_total": outgoing.count(),
        "overdue": outgoing.filter(due_at__lt=at).order_by("due_at", "pk")[:SHOWN],
        "transfer_columns": TRANSFER_COLUMNS,
        "findings": rows_of(named(findings).order_by("due_at", "-severity", "pk")[:SHOWN]),
        "findings_total": findings.count(),
        "finding_columns": FINDING_COLUMNS,
        "accounts": _accounts(reader),
        "stock_takes_due": due_stock_takes(reader, at=at)[:SHOWN],
        "stock_take_columns": STOCK_TAKE_COLUMNS,
    }


def for_maker(reader: Reader, *, at: datetime) -> dict[str, object]:
    """Batches in work and the last receipts, the stock by model and site, deliveries under way, findings to explain."""
    batches = visible(reader, Statement).filter(signer=reader.organisation.pk, kind="chips.commissioned")
    findings = visible(reader, Finding).filter(closed_at__isnull=True, organisation=reader.organisation)
    outgoing = with_parties(visible(reader, Transfer)).filter(
        sender=reader.organisation, state__in=OPEN_TRANSFERS
    )
    return {
        "batches": batches_of(list(batches.order_by("-id")[:6])),
        "batch_columns": BATCH_COLUMNS,
        "jobs": [
            (job, BATCH_JOBS[job.kind])
            for job in visible(reader, Job).filter(kind__in=BATCH_JOBS).order_by("-created_at")[:6]
        ],
        "job_columns": JOB_COLUMNS,
        "stock": _stock(reader),
        "stock_columns": STOCK_COLUMNS,
        "accounts": _accounts(reader),
        "outgoing": [(each, *state_of(each, at=at)) for each in outgoing.order_by("due_at", "pk")[:SHOWN]],
        "outgoing_total": outgoing.count(),
        "overdue_total": outgoing.filter(due_at__lt=at).count(),
        "transfer_columns": (*TRANSFER_COLUMNS, Column("State")),
        "findings": rows_of(_worst(findings)),
        "findings_total": findings.count(),
        "finding_columns": FINDING_COLUMNS,
    }


def _overdue(reader: Reader, *, at: datetime) -> QuerySet[Transfer]:
    return with_parties(visible(reader, Transfer)).filter(state__in=OPEN_TRANSFERS, due_at__lt=at)


def _worst(findings: QuerySet[Finding]) -> QuerySet[Finding]:
    return named(findings).order_by("-severity", "-id")[:SHOWN]


def _accounts(reader: Reader) -> list[tuple[str, str, int]]:
    """The organisation's chips by account: kind, its words, how many."""
    held = Holding.objects.filter(account__organisation=reader.organisation)
    counted = dict(held.order_by().values_list("account__kind").annotate(number=Count("pk")))
    return [
        (kind.value, str(kind.label).capitalize(), counted[kind]) for kind in AccountKind if counted.get(kind)
    ]


def _stock(reader: Reader) -> list[tuple[str, str, str, str, str, int]]:
    """Chips by model, site and account: code, name, site, account, its words, how many."""
    held = Holding.objects.filter(account__organisation=reader.organisation).order_by()
    by = ("model__code", "model__name", "account__site__code", "account__kind")
    counted = held.values_list(*by).annotate(number=Count("pk"))
    return [
        (code, name, site, kind, str(AccountKind(kind).label).capitalize(), number)
        for code, name, site, kind, number in counted.order_by(
            "model__name", "account__site__code", "account__kind"
        )[:40]
    ]
