"""Clusters against the policies in force: the list, and one with its parts as far as the reader may see them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from audits.models import Cluster
from audits.queries import sweep_of
from audits.rules import RULE_OF
from portal.doorway import page
from portal.forms.filters import ClusterFilter
from portal.lists import Listing, default_view, export_asked, list_context, views_of
from portal.queries.clusters import find_cluster, findings_about, lines_of, parts_of
from registry.access import Reader, visible
from registry.catalogue import H100E_TPP
from web.components import Column
from web.paging import Keyset

CLUSTERS = Keyset(("-tpp", "-id"))
LISTING = Listing(
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
LINE_COLUMNS = (
    Column("Measure"),
    Column("Counted", numeric=True),
    Column("The line", numeric=True),
    Column("Against the line"),
    Column("Of the line", numeric=True),
)
_SUMS = (
    Column("Chips", numeric=True),
    Column("H100-equivalents", numeric=True),
    Column("Memory GB", numeric=True),
)
SITE_COLUMNS = (
    Column("Site"),
    Column("Country"),
    *_SUMS,
    Column("Unaccounted for", numeric=True),
    Column("Lost or stolen", numeric=True),
)
MODEL_COLUMNS = (Column("Model"), *_SUMS)
ORGANISATION_COLUMNS = (Column("Answers for them"), *_SUMS)


@require_safe
@page
def clusters(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Clusters against every policy in force, the strongest first."""
    views = views_of(reader, LISTING)
    if (opened := default_view(request, reader, views)) is not None:
        return opened
    form = ClusterFilter(request.GET)
    rows = form.narrow(visible(reader, Cluster).select_related("policy", "organisation__signer", "site"))
    file = export_asked(request, LISTING, rows, CLUSTERS, lambda batch: map(_cluster, batch), form=form)
    if file is not None:
        return file
    found = CLUSTERS.page(rows, request)
    context = list_context(request, reader, LISTING, views) | {
        "form": form,
        "page": found,
        "rows": [
            (cluster, f"{cluster.tpp / H100E_TPP:,.1f}", cluster.memory_mb // 1000) for cluster in found.items
        ],
    }
    return render(request, "portal/clusters.html", context)


@require_safe
@page
def cluster(request: HttpRequest, reader: Reader, policy: str, key: str) -> HttpResponse:
    """One cluster: its line, what stands in it and where, what is open about it, and when it was counted."""
    found = find_cluster(reader, policy, key)
    sweep = sweep_of(found.measured_at)
    name = found.site.name if found.site else found.organisation.name
    context = {
        "title": name if found.site else f"{name}, across sites",
        "cluster": found,
        "equivalents": f"{found.tpp / H100E_TPP:,.1f}",
        "memory": found.memory_mb // 1000,
        "lines": lines_of(found),
        "parts": parts_of(found, reader),
        "findings": [(each, RULE_OF[each.rule]) for each in findings_about(found, reader)],
        "checkpoint": sweep.counts.get("clusters", {}).get("checkpoint") if sweep else None,
        "line_columns": LINE_COLUMNS,
        "site_columns": SITE_COLUMNS,
        "model_columns": MODEL_COLUMNS,
        "organisation_columns": ORGANISATION_COLUMNS,
    }
    return render(request, "portal/cluster.html", context)


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
