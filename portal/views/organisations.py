"""Organisations as the published register knows them, and for whom a person with several memberships acts."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from audits.queries import newest_sweep
from portal.doorway import page
from portal.forms.filters import OrganisationFilter
from portal.lists import Listing, default_view, export_asked, list_context, views_of
from portal.queries.organisations import profile_of
from portal.views.balances import COLUMNS as BALANCE_COLUMNS
from registry.access import Reader, get_visible, visible
from registry.models import Membership, Organisation
from web.components import Column
from web.paging import Keyset

ORGANISATIONS = Keyset(("name", "pk"))
LISTING = Listing(
    "organisations",
    "Organisations",
    (
        Column("Organisation", key="name"),
        Column("Handle", key="handle"),
        Column("Kind", key="kind"),
        Column("Countries", key="countries"),
        Column("Standing", key="standing"),
    ),
    ("handle", "name", "kind", "countries", "standing"),
)
SITE_COLUMNS = (
    Column("Site"),
    Column("Country"),
    Column("On the book", numeric=True),
    Column("Seen by hardware", numeric=True),
    Column("Unaccounted for", numeric=True),
)
KEY_COLUMNS = (Column("Key"), Column("Algorithm"), Column("Office"), Column("Counts from"), Column("Until"))


@require_safe
@page
def organisations(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Everybody who was admitted; the register is published."""
    views = views_of(reader, LISTING)
    if (opened := default_view(request, reader, views)) is not None:
        return opened
    form = OrganisationFilter(request.GET)
    rows = form.narrow(visible(reader, Organisation).select_related("signer"))
    file = export_asked(request, LISTING, rows, ORGANISATIONS, lambda batch: map(_cells, batch), form=form)
    if file is not None:
        return file
    context = list_context(request, reader, LISTING, views) | {
        "form": form,
        "page": ORGANISATIONS.page(rows, request),
    }
    return render(request, "portal/organisations.html", context)


@require_safe
@page
def organisation(request: HttpRequest, reader: Reader, handle: str) -> HttpResponse:
    """One organisation: its register entry and key history, both public, and what the reader may see of it."""
    found = get_visible(reader, Organisation, signer__handle=handle)
    context = {
        "title": found.name,
        "organisation": found,
        "owners": found.owned_by.select_related("owner__signer").order_by(
            F("until").desc(nulls_first=True), "-share_bp", "pk"
        )[:100],
        "profile": profile_of(found, reader),
        "site_columns": SITE_COLUMNS,
        "balance_columns": BALANCE_COLUMNS,
        "key_columns": KEY_COLUMNS,
        "sweep": newest_sweep(),
    }
    return render(request, "portal/organisation.html", context)


@require_http_methods(["GET", "POST"])
@page
def acting_for(request: HttpRequest, reader: Reader) -> HttpResponse:
    """Choose the organisation that one reads and prepares for."""
    memberships = (
        Membership.objects.filter(person=reader.person, until__isnull=True)
        .select_related("organisation__signer")
        .order_by("since", "id")
    )
    if request.method == "POST":
        asked = request.POST.get("organisation", "")
        chosen = next((each for each in memberships if each.organisation.signer.handle == asked), None)
        if chosen is None:
            raise Http404
        request.session["organisation"] = chosen.organisation_id
        messages.success(request, f"You now act for {chosen.organisation.name}.")
        return redirect("overview")
    context = {"title": "For whom you act", "memberships": memberships, "current": reader.organisation.pk}
    return render(request, "portal/acting_for.html", context)


def _cells(organisation: Organisation) -> tuple[object, ...]:
    signer = organisation.signer
    return signer.handle, organisation.name, signer.kind, " ".join(organisation.countries), signer.standing
