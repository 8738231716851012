"""What a week brought: findings that opened or worsened, sites where the gap grew, and what falls due next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import F, Max, Min, Q, Sum
from django.urls import reverse

from audits import queries as audits
from audits.models import DailyBalance, Finding
from audits.queries import Dated
from audits.rules.rule import Rule
from portal.queries.findings import Subject, named, rows_of
from portal.queries.overview import FINDING_COLUMNS, TRANSFER_COLUMNS
from registry.access import Reader, visible
from tracking.models import OPEN_TRANSFERS, Transfer
from tracking.queries.transfers import with_parties
from web.components import Column

SHOWN: Final = 12
AHEAD: Final = timedelta(days=7)
GROWN_COLUMNS = (
    Column("Site"),
    Column("Country"),
    Column("Unaccounted then", numeric=True),
    Column("Unaccounted now", numeric=True),
    Column("Grown by", numeric=True),
)


@dataclass(frozen=True)
class Group:
    """Findings of one kind, the gravest first; ``url`` is the list of all of them."""

    title: str
    quiet: str
    rows: Sequence[tuple[Finding, Rule, Subject]]
    url: str


def last_monday(at: datetime) -> date:
    """The Monday before this day, never this day itself: a list of nothing helps nobody."""
    today = at.astimezone(UTC).date()
    return today - timedelta(days=today.weekday() or 7)


def monday(reader: Reader, *, since: date, at: datetime) -> dict[str, object]:
    """Everything that a regulator takes up at the beginning of a week, in groups of a few rows each."""
    today = at.astimezone(UTC).date()
    ahead = today + AHEAD
    transfers = with_parties(visible(reader, Transfer)).filter(state__in=OPEN_TRANSFERS)
    begin = datetime.combine(since, time(), tzinfo=UTC)
    return {
        "since": since,
        "groups": [
            _group(reader, "Opened", "No finding opened.", Dated.OPENED, since),
            _group(reader, "Became graver", "No finding became graver.", Dated.WORSENED, since),
            _group(
                reader,
                "Explanation fell overdue",
                "No explanation fell overdue.",
                Dated.DUE,
                since,
                until=today,
                state="open",
            ),
            _group(
                reader,
                "To be explained in the coming week",
                "No explanation is due.",
                Dated.DUE,
                today,
                until=ahead,
                state="open",
            ),
        ],
        "finding_columns": FINDING_COLUMNS,
        "grown": _grown(reader, since=since),
        "grown_columns": GROWN_COLUMNS,
        "late": transfers.filter(due_at__gte=begin, due_at__lt=at).order_by("due_at", "pk")[:SHOWN],
        "coming": transfers.filter(due_at__gte=at, due_at__lt=at + AHEAD).order_by("due_at", "pk")[:SHOWN],
        "transfer_columns": TRANSFER_COLUMNS,
    }


def _group(
    reader: Reader,
    title: str,
    quiet: str,
    dated: Dated,
    since: date,
    *,
    until: date | None = None,
    state: str | None = None,
) -> Group:
    """The first rows, and the address of the list that the very same filter makes."""
    wanted = audits.FindingFilter(dated=dated, since=_midnight(since), until=_midnight(until), state=state)
    asked = {
        "dated": dated.value,
        "since": since.isoformat(),
        "until": until and until.isoformat(),
        "state": state,
    }
    return Group(
        title,
        quiet,
        rows_of(named(wanted.narrow(visible(reader, Finding))).order_by("-severity", "-id")[:SHOWN]),
        f"{reverse('findings')}?{urlencode({name: value for name, value in asked.items() if value})}",
    )


def _grown(reader: Reader, *, since: date) -> Iterable[Mapping[str, object]]:
    """Sites with more unaccounted for at the newest count than at the last one up to the day, or the first of all."""
    counted = DailyBalance.objects.aggregate(
        newest=Max("day"), before=Max("day", filter=Q(day__lte=since)), first=Min("day")
    )
    then = counted["before"] or counted["first"]
    gap = F("installed") - F("seen_hardware")
    return (
        visible(reader, DailyBalance)
        .filter(day__in=[day for day in (then, counted["newest"]) if day])
        .order_by()
        .values("site__code", "site__name", "site__country")
        .annotate(
            then=Sum(gap, filter=Q(day=then), default=0),
            now=Sum(gap, filter=Q(day=counted["newest"]), default=0),
        )
        .annotate(grown=F("now") - F("then"))
        .filter(grown__gt=0)
        .order_by("-grown", "site__code")[:SHOWN]
    )


HEADER = ("group", "severity", "about", "subject", "answers", "due_at", "number")


def lines_of(week: Mapping[str, Any]) -> Iterator[tuple[object, ...]]:
    """The lines that the page of a week shows, group by group, for a file."""
    for group in week["groups"]:
        for finding, rule, subject in group.rows:
            who = finding.organisation.signer.handle
            yield group.title, finding.severity, rule.code, subject.label, who, finding.due_at, ""
    for site in week["grown"]:
        yield "More unaccounted for", "", "site", site["site__code"], "", "", site["grown"]
    for title, transfers in (("Transfer overdue", week["late"]), ("Receipt due", week["coming"])):
        for transfer in transfers:
            digest, who = bytes(transfer.digest).hex(), transfer.sender.signer.handle
            yield title, "", "transfer", digest, who, transfer.due_at, transfer.outstanding


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), tzinfo=UTC)
