"""How the book adds up against the silicon, in the newest sweep or on a day gone by."""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from audits.models import Balance, DailyBalance
from audits.queries import newest_sweep
from chipledger import clock
from portal.doorway import page
from portal.forms.in_time import BalanceFilter
from portal.lists import Listing, default_view, export_asked, list_context, views_of
from portal.queries.balances import BalanceThen, DayOfBalances
from registry.access import Reader, visible
from tracking.models import Account
from tracking.queries.as_of import AsOf
from tracking.queries.history import View
from web.components import Column
from web.paging import Keyset

BALANCES = Keyset(("-unaccounted", "-id"))
OF_A_DAY = Keyset(("organisation__signer__handle", "site__code", "id"))
COLUMNS = (
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
HEADER = (
    "organisation", "site", "on_hand", "installed", "in_transit", "lost", "stolen", "retired", "destroyed", "exported",
    "seen_hardware", "seen_inspected", "seen_host", "seen_weaker", "unaccounted", "measured_at",
)  # fmt: skip
LISTING = Listing("balances", "Balances", COLUMNS, HEADER)
BOTH = replace(LISTING, columns=(*COLUMNS, Column("View", key="view")), header=(*HEADER, "view"))
"""The list on a day in both views: as corrected, and below it as filed where that says otherwise."""


@require_safe
@page
def balances(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Book inventory against what the silicon proved, the widest gap first; or the same on a day gone by."""
    views = views_of(reader, LISTING)
    if (opened := default_view(request, reader, views)) is not None:
        return opened
    form = BalanceFilter(request.GET)
    asked = form.as_of_asked(now=clock.now())
    listing = BOTH if asked is not None and asked.view == View.BOTH else LISTING
    context = list_context(request, reader, listing, views) | {"form": form}
    if asked is not None:
        return _of_a_day(request, reader, form, asked, context)
    rows = form.narrow(visible(reader, Balance).select_related("organisation__signer", "site"))
    file = export_asked(request, LISTING, rows, BALANCES, lambda batch: map(_cells, batch), form=form)
    if file is not None:
        return file
    found = BALANCES.page(rows, request)
    context |= {"page": found, "rows": found.items, "sweep": newest_sweep()}
    return render(request, "portal/balances.html", context)


def _of_a_day(
    request: HttpRequest, reader: Reader, form: BalanceFilter, asked: AsOf, context: dict[str, object]
) -> HttpResponseBase:
    accounts = form.narrow_to(visible(reader, Account))
    day = DayOfBalances(reader, asked, accounts, form.narrow_to(visible(reader, DailyBalance)))
    rows = day.rows(with_gap=form.answers()["open"])
    is_both = asked.view == View.BOTH
    file = export_asked(
        request,
        BOTH if is_both else LISTING,
        rows,
        OF_A_DAY,
        lambda batch: ((*_cells(each), *([each.view] if is_both else [])) for each in day.of(batch)),
        form=form,
    )
    if file is not None:
        return file
    found = OF_A_DAY.page(rows, request)
    context |= {"page": found, "rows": day.of(found.items), "asked": asked, "counted": day.counted}
    return render(request, "portal/balances.html", context)


def _cells(balance: Balance | BalanceThen) -> tuple[object, ...]:
    named = (balance.organisation.signer.handle, balance.site.code)
    return *named, *(getattr(balance, name) for name in HEADER[2:])
