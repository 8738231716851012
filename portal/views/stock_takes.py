"""Counts of sites: the list, and one with its differences, their findings, its paper and proof."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from ledger.authority import HOLDERS
from ledger.log_key import note_key
from ledger.models import Statement
from portal.doorway import page, refusal_of
from portal.forms.stock_takes import StockTakeFilter
from portal.lists import Listing, default_view, export_asked, list_context, views_of
from portal.papers import statement_paper
from portal.papers.words import METHODS
from portal.queries.stock_takes import difference_lines, state_of
from registry.access import Reader, get_visible, visible
from registry.models import Role
from tracking.models import StockCount, StockDifference
from tracking.queries.stock_counts import with_places
from web.components import Column
from web.paging import Keyset

COUNTS = Keyset(("-id",))
DIFFERENCES = Keyset(("id",))
DIFFERENCE_COLUMNS = (
    Column("Difference"),
    Column("Chip"),
    Column("On the book now"),
    Column("Finding"),
)
LISTING = Listing(
    "stock-takes",
    "Stock-takes",
    (
        Column("Counted", key="counted_at", exports=("stock_take", "counted_at", "recorded_at")),
        Column("Site", key="site"),
        Column("Organisation", key="organisation"),
        Column("Counted by", key="method"),
        Column("On the book", numeric=True, key="expected"),
        Column("Found", numeric=True, key="found"),
        Column("Missing", numeric=True, key="missing"),
        Column("Unexpected", numeric=True, key="unexpected"),
        Column("State", key="state"),
    ),
    (
        *("stock_take", "counted_at", "recorded_at", "site", "organisation", "method"),
        *("expected", "found", "missing", "unexpected", "state"),
    ),
)


@require_safe
@page
def stock_takes(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Counts of the organisation's sites, or of a regulator's countries, the newest first."""
    views = views_of(reader, LISTING)
    if (opened := default_view(request, reader, views)) is not None:
        return opened
    form = StockTakeFilter(request.GET)
    rows = form.narrow(with_places(visible(reader, StockCount)))
    file = export_asked(request, LISTING, rows, COUNTS, lambda batch: map(_cells, batch), form=form)
    if file is not None:
        return file
    found = COUNTS.page(rows, request)
    context = list_context(request, reader, LISTING, views) | {
        "form": form,
        "page": found,
        "rows": [(counted, METHODS[counted.method], *state_of(counted)) for counted in found.items],
        "is_holder": reader.kind in HOLDERS,
        "refusal": refusal_of(reader, Role.PREPARER),
    }
    return render(request, "portal/stock_takes.html", context)


@require_safe
@page
def stock_take(request: HttpRequest, reader: Reader, digest: str) -> HttpResponse:
    """One count: its totals, every difference that the reader may see, and the paper with its proof."""
    found = get_visible(reader, StockCount, statement__digest=bytes.fromhex(digest))
    counted = with_places(visible(reader, StockCount)).get(pk=found.pk)
    differences = visible(reader, StockDifference).filter(count=counted)
    shown = DIFFERENCES.page(differences, request)
    state, tone = state_of(counted)
    statement = visible(reader, Statement).filter(pk=counted.statement_id).first()
    context = {
        "title": f"Count of {counted.site.name}",
        "counted": counted,
        "digest": digest,
        "state": state,
        "tone": tone,
        "method": METHODS[counted.method],
        "page": shown,
        "lines": difference_lines(shown.items, site=counted.site, reader=reader),
        "difference_columns": DIFFERENCE_COLUMNS,
        "vkey": note_key().vkey,
        "paper": None if statement is None else statement_paper(statement, with_path=True),
    }
    return render(request, "portal/stock_take.html", context)


def _cells(counted: StockCount) -> tuple[object, ...]:
    return (
        bytes(counted.statement.digest).hex(),
        counted.counted_at,
        counted.recorded_at,
        counted.site.code,
        counted.organisation.signer.handle,
        counted.method,
        counted.expected,
        counted.found,
        counted.missing,
        counted.unexpected,
        state_of(counted)[0],
    )
