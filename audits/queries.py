"""Reading findings, clusters, balances and sweeps; which of them a reader may see is said in ``audits.access``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db.models import Count, FloatField, Max, Q, QuerySet, Value
from django.db.models.functions import Cast, Greatest, NullIf

from audits.models import Cluster, Finding, Policy, Stock, Sweep
from audits.rules import RULE_OF
from chipledger.refusals import Refused
from ledger.models import Checkpoint, Statement
from tracking.models import AccountKind

NEAR: Final = 0.8
"""From this share of a line on, a cluster is near it."""

AT_A_SITE: Final = (AccountKind.ON_HAND, AccountKind.RETIRED, AccountKind.LOST, AccountKind.STOLEN)
"""Accounts whose chips count where they are, or were last; the others count for their holder alone."""

COUNTED: Final = tuple(kind for kind in AccountKind if kind != AccountKind.DESTROYED)
"""Accounts whose chips count for their last holder: all, until their destruction is certified."""


def findings_citing(organisation_id: int) -> QuerySet[Finding]:
    """Findings that an organisation must explain."""
    return Finding.objects.filter(organisation_id=organisation_id)


def findings_concerning(organisation_id: int) -> QuerySet[Finding]:
    """Findings that an organisation may read: those that cite it, and those of its own transfers."""
    return Finding.objects.filter(
        Q(organisation_id=organisation_id) | Q(counterparty_id=organisation_id, transfer__isnull=False)
    )


def findings_touching(countries: Sequence[str]) -> QuerySet[Finding]:
    """Findings whose site, cited organisation or counterparty is in one of these countries."""
    wanted = list(countries)
    return Finding.objects.filter(
        Q(site__country__in=wanted)
        | Q(organisation__countries__overlap=wanted)
        | Q(counterparty__countries__overlap=wanted)
    )


def lock_finding(among: QuerySet[Finding], uid: str) -> Finding | None:
    """The finding of this number among some, held until the statement about it is booked."""
    return among.filter(uid=UUID(uid)).select_for_update(of=("self",)).first()


class Dated(StrEnum):
    """The date of a finding that a period is about."""

    OPENED = "opened"
    WORSENED = "worsened"
    DUE = "due"


def bad_severity(value: str) -> Refused:
    """The refusal of a severity that no finding has."""
    return Refused(
        "bad_severity", "Choose a severity from 1 to 5.", field="severity", value=value, status=400
    )


@dataclass(frozen=True)
class FindingFilter:
    """What a list or report of findings is narrowed to; all that are given must hold.

    ``severity`` is the least, ``step`` the very one. ``since`` and ``until`` are a period, its end excluded, in which
    the finding was open at some time; with ``dated``, in which it opened, worsened or is due. ``state`` may be
    ``unresolved`` for all that are not closed. ``model`` leaves what is about no single chip out.
    """

    rule: str | None = None
    severity: int | None = None
    state: str | None = None
    organisation: str | None = None
    site: str | None = None
    country: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    step: int | None = None
    model: str | None = None
    dated: Dated | None = None

    def check(self) -> None:
        """Refuse a rule, severity or state that does not exist, rather than answer with an empty list."""
        if self.rule is not None and self.rule not in RULE_OF:
            raise Refused(
                "unknown_rule",
                "There is no such rule; choose one from the list of rules.",
                field="rule",
                value=self.rule,
                status=400,
            )
        if self.severity is not None and not 1 <= self.severity <= 5:
            raise bad_severity(str(self.severity))
        if self.state is not None and self.state not in (*Finding.State.values, "unresolved"):
            raise Refused(
                "unknown_state",
                "Choose a state: open, explained, closed or unresolved.",
                field="state",
                value=self.state,
                status=400,
            )

    def narrow(self, findings: QuerySet[Finding]) -> QuerySet[Finding]:
        """Those of these findings that the filter lets through."""
        self.check()
        wanted: dict[str, object | None] = {
            "rule": self.rule,
            "severity__gte": self.severity,
            "organisation__signer__handle": self.organisation,
            "site__code": self.site,
            "site__country": self.country,
            "severity": self.step,
            "chip__model__code": self.model,
        }
        if self.dated is not None:
            findings = findings.filter(**{f"{self.dated}_at__isnull": False})
            wanted |= {f"{self.dated}_at__gte": self.since, f"{self.dated}_at__lt": self.until}
        else:
            wanted["opened_at__lt"] = self.until
        findings = findings.filter(**{name: value for name, value in wanted.items() if value is not None})
        if self.since is not None and self.dated is None:
            findings = findings.filter(Q(closed_at__isnull=True) | Q(closed_at__gte=self.since))
        if self.state == "unresolved":
            return findings.filter(closed_at__isnull=True)
        return findings.filter(state=self.state) if self.state is not None else findings


def with_names(findings: QuerySet[Finding]) -> QuerySet[Finding]:
    """Findings together with the names that a row shows, in one query."""
    return findings.select_related("organisation__signer", "counterparty__signer", "site", "policy")


@dataclass(frozen=True)
class Tally:
    """How many findings a rule has at a severity."""

    rule: str
    severity: int
    findings: int


def tally(findings: QuerySet[Finding]) -> list[Tally]:
    """Findings counted by rule and severity, the gravest first."""
    counted = findings.order_by().values_list("rule", "severity").annotate(number=Count("pk"))
    return [Tally(*row) for row in counted.order_by("-severity", "rule")]


def newest_sweep() -> Sweep | None:
    """The sweep that finished last."""
    return Sweep.objects.filter(finished_at__isnull=False).order_by("-finished_at").first()


def sweep_of(measured_at: datetime) -> Sweep | None:
    """The sweep that measured then."""
    return Sweep.objects.filter(at=measured_at).order_by("-pk").first()


def newest_size() -> int:
    """The size of the newest checkpoint, 0 before there is one: up to where the log proves what is measured now."""
    return Checkpoint.objects.aggregate(size=Max("size"))["size"] or 0


def stock_in(cluster: Cluster, stock: QuerySet[Stock]) -> QuerySet[Stock]:
    """Those of some stock that make up a cluster, its fifty strongest members at least; come with its policy."""
    if cluster.policy.grouping == Policy.Grouping.SITE:
        return stock.filter(account__site__code__in=cluster.members, account__kind__in=AT_A_SITE)
    held = stock.filter(account__organisation__signer__handle__in=cluster.members, account__kind__in=COUNTED)
    countries = cluster.policy.countries
    return held.filter(account__site__country__in=countries) if countries else held


def sweep_lag(*, at: datetime) -> timedelta:
    """How long nobody has swept: since the newest finished sweep began to look, or since the log began."""
    newest = newest_sweep()
    looked_at = (
        newest.at
        if newest
        else Statement.objects.order_by("pk").values_list("accepted_at", flat=True).first()
    )
    return max(at - looked_at, timedelta(0)) if looked_at is not None else timedelta(0)


def is_lagging(lag: timedelta) -> bool:
    """Whether sweeping has stopped for longer than two intervals, and so findings can no longer be relied on."""
    return lag > 2 * timedelta(seconds=settings.SWEEP_SECONDS)


def share_of_a_line() -> Greatest:
    """How much of the nearest of its policy's lines a cluster reaches, 1 being the line itself."""
    measures = ("tpp", "fp16_gflops", "memory_mb")
    # PostgreSQL's greatest() passes over a line that the policy does not have; the zero is for a line of zero.
    return Greatest(
        Value(0.0),
        *(
            Cast(name, FloatField()) / NullIf(Cast(f"policy__above_{name}", FloatField()), Value(0.0))
            for name in measures
        ),
    )


def near_a_line(clusters: QuerySet[Cluster]) -> QuerySet[Cluster]:
    """Clusters that reach most of a line and are not above it."""
    return clusters.alias(share=share_of_a_line()).filter(is_above=False, share__gte=NEAR)
