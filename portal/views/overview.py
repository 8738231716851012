"""The first page of each role: what needs a person now, and the figures that lead to their rows."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from chipledger import clock
from portal.doorway import page, rail_role
from portal.queries import overview as queries
from portal.queries.papers import drafts_waiting
from portal.views.transfers import filing_refusal
from registry.access import Reader

TITLES = {"regulator": "Overview", "operator": "Inbox", "maker": "Overview"}


@require_safe
@page
def overview(request: HttpRequest, reader: Reader) -> HttpResponse:
    """Worst first, for whoever reads."""
    role = rail_role(request) or "operator"
    now = clock.now()
    context: dict[str, object] = {
        "title": TITLES[role],
        "waiting": drafts_waiting(reader).count(),
        "refusal": filing_refusal(reader),
        "now": now,
        "own_handle": reader.handle,
    }
    match role:
        case "regulator":
            context |= queries.for_regulator(reader, at=now, part=request.GET.get("map", ""))
        case "maker":
            context |= queries.for_maker(reader, at=now)
        case _:
            context |= queries.for_holder(reader, at=now)
    return render(request, f"portal/overview_{role}.html", context)
