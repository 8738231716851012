"""What a cluster's page shows: each of its lines, and its parts as far as the reader may see them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import F, Q, QuerySet, Sum
from django.http import Http404

from audits.models import Balance, Cluster, Finding, Policy, Stock
from audits.queries import AT_A_SITE, stock_in
from registry.access import Reader, visible
from registry.catalogue import H100E_TPP
from registry.models import Site
from tracking.models import Account
from web.components import AgainstLine

SHOWN: Final = 100


@dataclass(frozen=True)
class Line:
    """One measure of a cluster against the policy's line for it, in the units that people use."""

    measure: str
    value: str
    line: str
    against: AgainstLine


@dataclass(frozen=True)
class Part:
    """What stands at one site, of one model, or with one organisation."""

    code: str
    name: str
    chips: int
    tpp: int
    memory_mb: int

    @property
    def equivalents(self) -> str:
        """Compute in H100-equivalents."""
        return f"{self.tpp / H100E_TPP:,.1f}"

    @property
    def memory_gb(self) -> int:
        return self.memory_mb // 1000


@dataclass(frozen=True)
class Gap:
    """Chips that count in a cluster though nobody can show them: silent ones, and those declared lost or stolen."""

    unaccounted: int = 0
    lost: int = 0


@dataclass(frozen=True)
class SitePart:
    """A site of a cluster; ``is_open`` when the reader may open its page."""

    part: Part
    country: str
    is_open: bool
    gap: Gap


@dataclass(frozen=True)
class Parts:
    """The parts of a cluster that the reader may see; ``elsewhere`` counts the chips of the others."""

    sites: Sequence[SitePart]
    models: Sequence[Part]
    organisations: Sequence[Part]
    gap: Gap
    elsewhere: int


def find_cluster(reader: Reader, policy: str, key: str) -> Cluster:
    """The cluster of this key against this policy, or 404: it keeps its address from sweep to sweep."""
    rows = visible(reader, Cluster).filter(policy__code=policy, key=key)
    found = rows.select_related("policy__regulator__signer", "organisation__signer", "site")
    cluster = found.order_by("-policy__effective_from").first()
    if cluster is None:
        raise Http404
    return cluster


def lines_of(cluster: Cluster) -> list[Line]:
    """The measures for which the policy has a line. Comparisons are strict: at the line is not above it."""
    policy = cluster.policy
    drawn = (
        ("Compute, H100-equivalents", cluster.tpp, policy.above_tpp, H100E_TPP),
        ("Compute, TFLOP/s in FP16", cluster.fp16_gflops, policy.above_fp16_gflops, 1000),
        ("Accelerator memory, GB", cluster.memory_mb, policy.above_memory_mb, 1000),
    )
    return [
        Line(
            measure,
            f"{value / unit:,.1f}",
            f"{line / unit:,.1f}",
            AgainstLine(value / line if line else 0.0, is_above=value > line),
        )
        for measure, value, line, unit in drawn
        if line is not None
    ]


def parts_of(cluster: Cluster, reader: Reader) -> Parts:
    """What the sweep counted into the cluster, by site, model and organisation, the strongest first."""
    stock = stock_in(cluster, visible(reader, Stock)).order_by()
    balances = visible(reader, Balance).filter(_of_members(cluster))
    sites = list(_summed(stock, "account__site__code", "account__site__name", "account__site__country"))
    codes = [part.code for part, _ in sites]
    openable = set(visible(reader, Site).filter(code__in=codes).values_list("code", flat=True))
    gaps = dict(_gaps(balances.filter(site__code__in=codes)))
    total = stock.aggregate(chips=Sum("chips"))["chips"] or 0
    whole = balances.aggregate(
        unaccounted=Sum("unaccounted", default=0), lost=Sum(F("lost") + F("stolen"), default=0)
    )
    return Parts(
        [
            SitePart(part, country, part.code in openable, gaps.get(part.code, Gap()))
            for part, country in sites
        ],
        [part for part, _ in _summed(stock, "model__code", "model__name")],
        [
            part
            for part, _ in _summed(
                stock, "account__organisation__signer__handle", "account__organisation__name"
            )
        ],
        Gap(**whole),
        cluster.chips - total,
    )


def findings_about(cluster: Cluster, reader: Reader) -> QuerySet[Finding]:
    """What is open about the cluster itself."""
    return (
        visible(reader, Finding)
        .filter(
            rule="threshold_exceeded",
            subject=f"cluster:{cluster.policy.code}:{cluster.key}",
            closed_at__isnull=True,
        )
        .select_related("organisation__signer")
        .order_by("-id")
    )


def clusters_with(reader: Reader, account: Account) -> QuerySet[Cluster]:
    """Clusters among whose fifty strongest members are the site of an account, or who answers there."""
    mine = Q(policy__grouping=Policy.Grouping.OWNER, members__contains=[account.organisation.signer.handle])
    if account.kind in AT_A_SITE:
        mine |= Q(policy__grouping=Policy.Grouping.SITE, members__contains=[account.site.code])
    named = visible(reader, Cluster).filter(mine).select_related("policy", "organisation__signer", "site")
    return named.order_by("-is_above", "-tpp", "-id")


def _of_members(cluster: Cluster) -> Q:
    if cluster.policy.grouping == Policy.Grouping.SITE:
        return Q(site__code__in=cluster.members)
    own = Q(organisation__signer__handle__in=cluster.members)
    countries = cluster.policy.countries
    return own & Q(site__country__in=countries) if countries else own


def _summed(stock: QuerySet[Stock], code: str, name: str, *more: str) -> Iterable[tuple[Part, str]]:
    rows = (
        stock.values_list(code, name, *more)
        .annotate(
            number=Sum("chips"),
            compute=Sum(F("chips") * F("model__tpp")),
            memory=Sum(F("chips") * F("model__counted_memory_mb")),
        )
        .order_by("-compute", code)[:SHOWN]
    )
    for found, called, *rest, chips, tpp, memory in rows:
        yield Part(found, called, int(chips), int(tpp), int(memory)), rest[0] if rest else ""


def _gaps(balances: QuerySet[Balance]) -> Iterable[tuple[str, Gap]]:
    summed = balances.order_by().values_list("site__code")
    for code, unaccounted, lost in summed.annotate(
        silent=Sum("unaccounted"), missing=Sum(F("lost") + F("stolen"))
    ):
        yield code, Gap(int(unaccounted), int(lost))
