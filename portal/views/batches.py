"""A maker's batches: what was registered, where it went as far as its maker may know, and the receipt."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from chipledger import clock
from ledger.models import Statement
from portal.doorway import page, refusal_of
from portal.forms.makers import BatchFilter
from portal.lists import Listing, export_asked, kept_query
from portal.papers import statement_paper
from portal.queries import batches as queries
from portal.queries.batches import batches_of, find_batch
from portal.queries.chips import account_of
from portal.queries.overview import FINDING_COLUMNS
from registry.access import Reader, visible
from registry.models import Chip, Role
from tracking.queries.holdings import placements
from web.components import Column
from web.paging import Keyset

BATCHES = Keyset(("-id",))
CHIPS = Keyset(("id",))
COLUMNS = (
    Column("Accepted"),
    Column("Site"),
    Column("Chips", numeric=True),
    Column("File"),
    Column("Log №", numeric=True),
)
LISTING = Listing(
    "batch-chips",
    "Chips of a batch",
    (
        Column("Chip", key="chip"),
        Column("Model", key="model"),
        Column("Where", key="where"),
        Column("Site", key="site"),
        Column("Since", key="since"),
    ),
    ("chip", "model", "where", "site", "since"),
)


@require_safe
@page
def batches(request: HttpRequest, reader: Reader) -> HttpResponse:
    """What this maker has registered, newest first."""
    rows = visible(reader, Statement).filter(signer=reader.organisation.pk, kind="chips.commissioned")
    found = BATCHES.page(rows, request)
    context = {
        "title": "Batches",
        "page": found,
        "rows": batches_of(found.items),
        "columns": COLUMNS,
        "refusal": refusal_of(reader, Role.PREPARER),
    }
    return render(request, "portal/batches.html", context)


@require_safe
@page
def batch(request: HttpRequest, reader: Reader, digest: str) -> HttpResponseBase:
    """One batch: its chips by model and place, its deliveries under way, the findings that concern the maker."""
    statement = find_batch(reader, digest)
    form = BatchFilter(request.GET)
    rows = form.narrow(queries.chips_of(statement, reader), reader).select_related("maker__signer", "model")
    file = export_asked(request, LISTING, rows, CHIPS, lambda some: _lines(some, reader), form=form)
    if file is not None:
        return file
    found = CHIPS.page(rows, request)
    places = placements(found.items, reader=reader)
    [line] = batches_of([statement])
    context = {
        "title": f"Batch {digest[:12]}",
        "batch": line,
        "notes": queries.notes_of(statement, reader),
        "models": queries.stock_of(statement, reader),
        "model_columns": queries.MODEL_COLUMNS,
        "deliveries": queries.deliveries_of(statement, reader, at=clock.now()),
        "delivery_columns": queries.DELIVERY_COLUMNS,
        "findings": queries.findings_of(statement, reader),
        "finding_columns": FINDING_COLUMNS,
        "form": form,
        "page": found,
        "rows": [
            (chip, f"{reader.handle}/{chip.serial}", places.get(chip.pk), account_of(places.get(chip.pk)))
            for chip in found.items
        ],
        "columns": LISTING.columns,
        "kept_query": kept_query(request),
    }
    return render(request, "portal/batch.html", context)


@require_safe
@page
def receipt(request: HttpRequest, reader: Reader, digest: str) -> HttpResponse:
    """What a maker keeps of a registration: hashes, counts, root and place in the log, on one page to print."""
    statement = find_batch(reader, digest)
    [line] = batches_of([statement])
    context = {
        "title": f"Receipt of batch {digest[:12]}",
        "batch": line,
        "notes": queries.notes_of(statement, reader),
        "counts": queries.counts_of(statement),
        "count_columns": queries.COUNT_COLUMNS,
        "paper": statement_paper(statement),
    }
    return render(request, "portal/batch_receipt.html", context)


def _lines(chips: list[Chip], reader: Reader) -> Iterable[tuple[object, ...]]:
    places = placements(chips, reader=reader)
    for chip in chips:
        holding = places.get(chip.pk)
        name = f"{reader.handle}/{chip.serial}"
        if holding is None:
            yield name, chip.model.code, "delivered", None, None
        else:
            yield name, chip.model.code, holding.account.kind, holding.account.site.code, holding.since
