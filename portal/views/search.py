"""One field that finds chips, transfers, organisations and sites, exactly or by how they begin."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from portal.doorway import page
from portal.queries.search import find
from registry.access import Reader


@require_safe
@page
def search(request: HttpRequest, reader: Reader) -> HttpResponse:
    """What the reader may see of what was asked for; a single exact hit is opened at once."""
    asked = request.GET.get("q", "").strip()[:200]
    found = find(asked, reader) if asked else []
    exact = [hit for hit in found if hit.is_exact]
    if len(exact) == 1:
        return redirect(exact[0].url)
    groups: dict[str, list[object]] = {}
    for hit in found:
        groups.setdefault(hit.kind, []).append(hit)
    return render(
        request, "portal/search.html", {"title": "Search", "asked": asked, "groups": groups.items()}
    )
