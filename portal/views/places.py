"""Where chips are and how they add up: sites, clusters, balances."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from audits.models import Balance, Cluster, Finding
from portal.doorway import page
from portal.forms.filters import BalanceFilter, ClusterFilter, SiteFilter
from portal.lists import export, wants_csv
from portal.queries.places import counts_at, lines_of
from registry.access import Reader, get_visible, visible
from registry.models import Site
from web.components import Column
from web.paging import Keyset

SITES = Keyset(("code", "id"))
CLUSTERS = Keyset(("-tpp", "-id"))
BALANCES = Keyset(("-unaccounted", "-id"))
SITE_COLUMNS = (
    Column("Site"),
    Column("Operator"),
    Column("Country"),
    Column("On the book", numeric=True),
    Column("Seen", numeric=True),
    Column("Unaccounted for", numeric=True),
    Column("Slots", numeric=True),
    Column("Power kW", numeric=True),
)
CLUSTER_COLUMNS = (
    Column("Cluster"),
    Column("Policy"),
    Column("Line"),
    Column("Chips", numeric=True),
    Column("H100-equivalents", numeric=True),
    Column("Memory GB", numeric=True),
    Column("Members", numeric=True),
    Column("Measured"),
)
BALANCE_COLUMNS = (
    Column("Organisation"),
    Column("Site"),
    Column("On hand", numeric=True),
    Column("In service", numeric=True),
    Column("Seen by hardware", numeric=True),
    Column("By host", numeric=True),
    Column("Unaccounted for", numeric=True),
    Column("In transit", numeric=True),
    Column("Lost or stolen", numeric=True),
)
BALANCE_HEADER = (
    "organisation", "site", "on_hand", "installed", "in_transit", "lost", "stolen", "retired", "destroyed",
    "seen_hardware", "seen_inspected", "seen_host", "seen_weaker", "unaccounted", "measured_at",
)  # fmt: skip


@require_safe
@page
def sites(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Sites of the organisation, or of a regulator's countries, with what the newest sweep counted there."""
    form = SiteFilter(request.GET)
    rows = form.narrow(visible(reader, Site).select_related("organisation__signer"))
    if wants_csv(request):
        header = (
            "site",
            "name",
            "organisation",
            "country",
            "on_book",
            "seen",
            "unaccounted",
            "slots",
            "power_kw",
        )
        return export("sites", header, rows, SITES, lambda batch: lines_of(batch, reader))
    found = SITES.page(rows, request)
    counts = counts_at(found.items, reader)
    context = {
        "title": "Sites",
        "form": form,
        "page": found,
        "rows": [(site, counts.get(site.pk)) for site in found.items],
        "columns": SITE_COLUMNS,
    }
    return render(request, "portal/sites.html", context)


@require_safe
@page
def site(request: HttpRequest, reader: Reader, code: str) -> HttpResponse:
    """One site: what it can carry, what is booked there and what was seen, its findings and clusters."""
    found = get_visible(reader, Site, code=code)
    findings = visible(reader, Finding).filter(site=found, closed_at__isnull=True)
    context = {
        "title": found.name,
        "site": found,
        "links": found.links.select_related("other").order_by("pk"),
        "place": f"{found.latitude_e7 / 1e7:.4f}, {found.longitude_e7 / 1e7:.4f}",
        "balances": visible(reader, Balance)
        .filter(site=found)
        .select_related("organisation__signer", "site")
        .order_by("pk"),
        "balance_columns": BALANCE_COLUMNS,
        "findings": findings.count(),
        "clusters": visible(reader, Cluster).filter(site=found).select_related("policy").order_by("pk")[:20],
    }
    return render(request, "portal/site.html", context)


@require_safe
@page
def clusters(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Clusters against every policy in force, the strongest first."""
    form = ClusterFilter(request.GET)
    rows = form.narrow(visible(reader, Cluster).select_related("policy", "organisation__signer", "site"))
    if wants_csv(request):
        header = (
            "cluster",
            "policy",
            "above",
            "chips",
            "tpp",
            "fp16_gflops",
            "memory_mb",
            "members",
            "measured_at",
        )
        return export("clusters", header, rows, CLUSTERS, lambda batch: map(_cluster, batch))
    found = CLUSTERS.page(rows, request)
    context = {
        "title": "Clusters",
        "form": form,
        "page": found,
        "rows": [
            (cluster, f"{cluster.tpp / 15840:,.1f}", cluster.memory_mb // 1000) for cluster in found.items
        ],
        "columns": CLUSTER_COLUMNS,
    }
    return render(request, "portal/clusters.html", context)


@require_safe
@page
def balances(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Book inventory against what the silicon proved, the widest gap first."""
    form = BalanceFilter(request.GET)
    rows = form.narrow(visible(reader, Balance).select_related("organisation__signer", "site"))
    if wants_csv(request):
        return export("balances", BALANCE_HEADER, rows, BALANCES, lambda batch: map(_balance, batch))
    found = BALANCES.page(rows, request)
    context = {"title": "Balances", "form": form, "page": found, "columns": BALANCE_COLUMNS}
    return render(request, "portal/balances.html", context)


def _cluster(cluster: Cluster) -> tuple[object, ...]:
    return (
        cluster.key,
        cluster.policy.code,
        cluster.is_above,
        cluster.chips,
        cluster.tpp,
        cluster.fp16_gflops,
        cluster.memory_mb,
        cluster.member_count,
        cluster.measured_at,
    )


def _balance(balance: Balance) -> tuple[object, ...]:
    named = (balance.organisation.signer.handle, balance.site.code)
    return *named, *(getattr(balance, name) for name in BALANCE_HEADER[2:])
