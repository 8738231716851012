"""How chips add up: clusters and balances."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from audits.models import Balance, Cluster
from portal.doorway import page
from portal.forms.filters import BalanceFilter, ClusterFilter
from portal.lists import Listing, default_view, export_asked, list_context, views_of
from registry.access import Reader, visible
from registry.catalogue import H100E_TPP
from web.components import Column
from web.paging import Keyset

CLUSTERS = Keyset(("-tpp", "-id"))
BALANCES = Keyset(("-unaccounted", "-id"))
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
BALANCE_COLUMNS = (
    Column("Organisation", key="organisation"),
    Column("Site", key="site"),
    Column("On hand", numeric=True, key="on_hand"),
    Column("In service", numeric=True, key="installed"),
    Column(
        "Seen by hardware", numeric=True, key="seen_hardware", exports=("seen_hardware", "seen_inspected")
    ),
    Column("By host", numeric=True, key="seen_host", exports=("seen_host", "seen_weaker")),
    Column("Unaccounted for", numeric=True, key="unaccounted", exports=("unaccounted", "measured_at")),
    Column("In transit", numeric=True, key="in_transit"),
    Column(
        "Lost or stolen",
        numeric=True,
        key="lost",
        exports=("lost", "stolen", "retired", "destroyed", "exported"),
    ),
)
BALANCE_HEADER = (
    "organisation", "site", "on_hand", "installed", "in_transit", "lost", "stolen", "retired", "destroyed", "exported",
    "seen_hardware", "seen_inspected", "seen_host", "seen_weaker", "unaccounted", "measured_at",
)  # fmt: skip
BALANCES_LISTING = Listing("balances", "Balances", BALANCE_COLUMNS, BALANCE_HEADER)


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


@require_safe
@page
def balances(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Book inventory against what the silicon proved, the widest gap first."""
    views = views_of(reader, BALANCES_LISTING)
    if (opened := default_view(request, reader, views)) is not None:
        return opened
    form = BalanceFilter(request.GET)
    rows = form.narrow(visible(reader, Balance).select_related("organisation__signer", "site"))
    file = export_asked(
        request, BALANCES_LISTING, rows, BALANCES, lambda batch: map(_balance, batch), form=form
    )
    if file is not None:
        return file
    found = BALANCES.page(rows, request)
    context = list_context(request, reader, BALANCES_LISTING, views) | {"form": form, "page": found}
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
