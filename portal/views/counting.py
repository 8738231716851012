"""Counting a site: choose it, compare what was found with the book, and prepare the paper that says so."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from chipledger import clock
from chipledger.refusals import Refused
from ledger.authority import HOLDERS
from portal.actions.stock_takes import check_attested, prepare_count
from portal.doorway import holder_refusal, page
from portal.faults import FaultyRows
from portal.forms.papers import MOST_TYPED
from portal.forms.stock_takes import CountForm
from portal.queries.overview import STOCK_TAKE_COLUMNS
from portal.queries.stock_takes import due_stock_takes, freshly_seen
from portal.selections import Comparison, compare
from portal.views.receipts import SHOWN, names_found
from registry.access import Reader, get_visible
from registry.models import Site
from tracking.queries.stock_counts import names_on_book
from web.refusals import status_of

NOT_A_HOLDER = "Only organisations that hold chips count their sites; ask the operator of a site to."
AGREES = "Everything that the book has here was found, and nothing else."


@require_http_methods(["GET", "POST"])
@page
def count_site(request: HttpRequest, reader: Reader) -> HttpResponse:
    """Compare, look at the differences, then prepare the paper that is signed; nothing is booked before that."""
    refusal = holder_refusal(reader, NOT_A_HOLDER)
    code = request.GET.get("site", "")
    if not code:
        return _choose(request, reader, refusal)
    site = get_visible(reader, Site, code=code, organisation=reader.organisation)
    is_part = getattr(request, "htmx", False)
    if refusal is not None and (is_part or request.method == "POST"):
        raise refusal
    now = clock.now()
    form = CountForm(*_sent(request, site, reader, now), reader=reader)
    at = (form.instant() if form.is_bound and form.is_valid() else None) or now
    expected = names_on_book(site, at=at)
    refused: Refused | None = None
    found: Comparison | None = None
    if request.method == "POST" and form.is_valid():
        try:
            names = names_found(request, form, expected, by=reader)
            if names or form.cleaned_data["nothing_found"] or "prepare" in request.POST:
                found = compare(set(expected), names, damaged=(), swapped=())
            if found is not None and "prepare" in request.POST:
                if form.cleaned_data["method"] == "attestations":
                    check_attested(names, freshly_seen(site, reader=reader, at=now))
                draft = prepare_count(
                    site,
                    found,
                    counted_at=at.replace(microsecond=at.microsecond // 1000 * 1000),
                    method=form.cleaned_data["method"],
                    nothing_found=form.cleaned_data["nothing_found"],
                    keys=form.chosen_keys(),
                    by=reader,
                    at=now,
                )
                return redirect("draft", draft.pk)
        except Refused as error:
            refused = error
    context = {
        "title": f"Count {site.name}",
        "site": site,
        "form": form,
        "found": found,
        "figures": _figures(found),
        "agreement": AGREES,
        "expected": expected[:SHOWN],
        "expected_total": len(expected),
        "refusal": refusal,
        "refused": refused,
        "faults": refused.faults if isinstance(refused, FaultyRows) else [],
    }
    template = "portal/differences.html" if is_part else "portal/count_site.html"
    return render(request, template, context, status=200 if is_part else status_of(form, refused))


def _choose(request: HttpRequest, reader: Reader, refusal: Refused | None) -> HttpResponse:
    """The organisation's sites that hold chips, those that are due first."""
    own = reader.kind in HOLDERS
    context = {
        "title": "Count a site",
        "rows": due_stock_takes(reader, at=clock.now(), within=None) if own else [],
        "columns": STOCK_TAKE_COLUMNS,
        "refusal": refusal,
    }
    return render(request, "portal/choose_site.html", context)


def _sent(request: HttpRequest, site: Site, reader: Reader, at: datetime) -> tuple[object, ...]:
    """What the form is bound to. Where fresh attestations are asked for, they take the place of what was typed."""
    if request.method != "POST":
        return ()
    if "fill" not in request.POST:
        return (request.POST, request.FILES)
    text = "\n".join(freshly_seen(site, reader=reader, at=at))
    if len(text) > MOST_TYPED:
        raise Refused(
            "too_many_chips",
            "More chips attest here than fit on this page; file the count by the chipledger command.",
            field="found",
            status=413,
        )
    said: QueryDict = request.POST.copy()
    said["found"], said["method"], said["counted_at"] = text, "attestations", ""
    return (said,)


def _figures(found: Comparison | None) -> list[tuple[str, int, str]]:
    if found is None:
        return []
    return [
        ("On the book and found", len(found.accepted), "book"),
        ("Expected, not seen", len(found.short), "gap"),
        ("Seen, not expected", len(found.over), "silicon"),
    ]
