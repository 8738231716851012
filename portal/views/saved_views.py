"""Saved views of lists: all of one's own and the shared ones, with saving, renaming and deleting."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from chipledger import clock
from chipledger.refusals import Refused
from portal.actions.saved_views import delete_view, rename_view, save_view
from portal.doorway import page
from portal.lists import COLUMNS, FORMAT
from portal.models import SavedView
from registry.access import Reader, get_visible, visible
from web.components import Column
from web.paging import CURSOR

LISTS = {
    "chips": "Chips",
    "transfers": "Transfers",
    "findings": "Findings",
    "report": "Discrepancy report",
    "sites": "Sites",
    "clusters": "Clusters",
    "balances": "Balances",
    "organisations": "Organisations",
    "chip-models": "Chip models",
    "tokens": "API tokens",
    "jobs": "Jobs",
    "deliveries": "Deliveries to webhooks",
    "stock-takes": "Stock-takes",
    "log-entries": "Log entries",
    "log-checkpoints": "Checkpoints",
    "administration-log": "Administration log",
}
TABLE = (Column("View"), Column("List"), Column("Whose"), Column("Saved"), Column(""))


@require_safe
@page
def saved_views(request: HttpRequest, reader: Reader) -> HttpResponse:
    """Every view that the reader may use."""
    own = reader.person.pk if reader.person else None
    rows = [
        (view, LISTS.get(view.listing, view.listing), address_of(view), view.person_id == own)
        for view in visible(reader, SavedView)
        .select_related("person")
        .order_by("listing", "name", "pk")[:500]
    ]
    return render(
        request, "portal/saved_views.html", {"title": "Saved views", "rows": rows, "columns": TABLE}
    )


@require_POST
@page
def save(request: HttpRequest, reader: Reader, listing: str) -> HttpResponse:
    """Keep the view that the form comes from."""
    if listing not in LISTS:
        raise Http404
    query = [pair for pair in parse_qsl(request.POST.get("query", "")) if pair[0] not in (CURSOR, FORMAT)]
    try:
        view = save_view(
            listing,
            request.POST.get("name", ""),
            urlencode(query),
            by=reader,
            at=clock.now(),
            shared="shared" in request.POST,
            default="default" in request.POST,
        )
    except Refused as refused:
        messages.error(request, refused.sentence)
        return redirect(f"{reverse(listing)}?{urlencode(query)}")
    messages.success(request, f"The view “{view.name}” is saved.")
    return redirect(address_of(view))


@require_POST
@page
def rename(request: HttpRequest, reader: Reader, number: int) -> HttpResponse:
    """Give a view another name."""
    rename_view(get_visible(reader, SavedView, pk=number), request.POST.get("name", ""), by=reader)
    return redirect("saved-views")


@require_POST
@page
def delete(request: HttpRequest, reader: Reader, number: int) -> HttpResponse:
    """Forget a view."""
    delete_view(get_visible(reader, SavedView, pk=number), by=reader)
    messages.info(request, "The view is deleted.")
    return redirect("saved-views")


def address_of(view: SavedView) -> str:
    """Where a saved view leads: its list, narrowed as it was. An empty one shows everything."""
    return f"{reverse(view.listing)}?{view.query or COLUMNS}"
