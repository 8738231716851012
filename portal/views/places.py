"""Where chips are: sites, and the clusters that they make up."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from audits.models import Balance, Cluster, Finding
from portal.doorway import page, refusal_of
from portal.forms.custody import ACTS
from portal.forms.filters import ClusterFilter, SiteFilter
from portal.lists import Listing, default_view, export_asked, list_context, views_of
from portal.queries.places import counts_at, lines_of
from portal.views.balances import COLUMNS as BALANCE_COLUMNS
from registry.access import Reader, get_visible, visible
from registry.catalogue import H100E_TPP
from registry.models import Role, Site
from web.components import Column
from web.paging import Keyset

SITES = Keyset(("code", "id"))
CLUSTERS = Keyset(("-tpp", "-id"))
SITES_LISTING = Listing(
    "sites",
    "Sites",
    (
        Column("Site", key="site", exports=("site", "name")),
        Column("Operator", key="organisation"),
        Column("Country", key="country"),
        Column("On the book", numeric=True, key="on_book"),
        Column("Seen", numeric=True, key="seen"),
        Column("Unaccounted for", numeric=True, key="unaccounted"),
        Column("Slots", numeric=True, key="slots"),
        Column("Power kW", numeric=True, key="power_kw"),
    ),
    ("site", "name", "organisation", "country", "on_book", "seen", "unaccounted", "slots", "power_kw"),
)
CLUSTERS_LISTING = Listing(
    "clusters",
    "Clusters",
    (
        Column("Cluster", key="cluster"),
        Column("Policy", key="policy"),
        Column("Line", key="above"),
        Column("Chips", numeric=True, key="chips"),
        Column("H100-equivalents", numeric=True, key="tpp", exports=("tpp", "fp16_gflops")),
        Column("Memory GB", numeric=True, key="memory_mb"),
        Column("Members", numeric=True, key="member_count", exports=("members",)),
        Column("Measured", key="measured_at"),
    ),
    ("cluster", "policy", "above", "chips", "tpp", "fp16_gflops", "memory_mb", "members", "measured_at"),
)


@require_safe
@page
def sites(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Sites of the organisation, or of a regulator's countries, with what the newest sweep counted there."""
    views = views_of(reader, SITES_LISTING)
    if (opened := default_view(request, reader, views)) is not None:
        return opened
    form = SiteFilter(request.GET)
    rows = form.narrow(visible(reader, Site).select_related("organisation__signer"))
    file = export_asked(request, SITES_LISTING, rows, SITES, lambda batch: lines_of(batch, reader), form=form)
    if file is not None:
        return file
    found = SITES.page(rows, request)
    counts = counts_at(found.items, reader)
    context = list_context(request, reader, SITES_LISTING, views) | {
        "form": form,
        "page": found,
        "rows": [(site, counts.get(site.pk)) for site in found.items],
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
        "refusal": refusal_of(reader, Role.PREPARER),
        "acts": ACTS.items() if found.organisation_id == reader.organisation.pk else (),
        "clusters": visible(reader, Cluster).filter(site=found).select_related("policy").order_by("pk")[:20],
    }
    return render(request, "portal/site.html", context)


@require_safe
@page
def clusters(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Clusters against every policy in force, the strongest first."""
    views = views_of(reader, CLUSTERS_LISTING)
    if (opened := default_view(request, reader, views)) is not None:
        return opened
    form = ClusterFilter(request.GET)
    rows = form.narrow(visible(reader, Cluster).select_related("policy", "organisation__signer", "site"))
    file = export_asked(
        request, CLUSTERS_LISTING, rows, CLUSTERS, lambda batch: map(_cluster, batch), form=form
    )
    if file is not None:
        return file
    found = CLUSTERS.page(rows, request)
    context = list_context(request, reader, CLUSTERS_LISTING, views) | {
        "form": form,
        "page": found,
        "rows": [
            (cluster, f"{cluster.tpp / H100E_TPP:,.1f}", cluster.memory_mb // 1000) for cluster in found.items
        ],
    }
    return render(request, "portal/clusters.html", context)


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
