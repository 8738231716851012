"""One cluster against its policy, with its parts as far as the reader may see them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from audits.queries import sweep_of
from audits.rules import RULE_OF
from portal.doorway import page
from portal.queries.clusters import find_cluster, findings_about, lines_of, parts_of
from registry.access import Reader
from registry.catalogue import H100E_TPP
from web.components import Column

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
