"""Chips: the list, and one with its book, its silicon, its papers and its findings, as far as the reader may see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from audits.models import Finding
from audits.rules import RULE_OF
from chipledger import clock
from ledger.bundles import bundle_of
from portal.doorway import page
from portal.forms.in_time import ChipFilter, HistoryFilter
from portal.lists import Listing, default_view, export_asked, list_context, views_of
from portal.queries.chip_lists import Place, Whereabouts, places_of
from portal.queries.chips import (
    account_of,
    chip_facts,
    draw,
    events_of,
    papers_of,
    statements_behind,
    transfers_of,
)
from portal.queries.clusters import clusters_with
from registry.access import Reader, visible
from registry.models import Chip
from tracking.queries.as_of import AsOf, each_view, known_lines_at, read_view, standing_of, steps_until
from tracking.queries.history import View, history_of, in_view
from tracking.queries.holdings import placements
from web.components import Column
from web.paging import Keyset

CHIPS = Keyset(("id",))
FILED = ("filed_account", "filed_holder", "filed_site", "filed_since")
SHOWN = ("serial", "maker__signer__handle", "model__code", "model__name")
LISTING = Listing(
    "chips",
    "Chips",
    (
        Column("Chip", key="chip"),
        Column("Model", key="model"),
        Column("Account", key="account"),
        Column("Holder", key="holder"),
        Column("Site", key="site"),
        Column("Since", key="since"),
    ),
    ("chip", "model", "account", "holder", "site", "since"),
)
BOTH = replace(
    LISTING,
    columns=(*LISTING.columns, Column("As filed", key="filed", exports=FILED)),
    header=(*LISTING.header, *FILED),
)
"""The list on a day, as corrected, with what the papers as filed said where that was something else."""


@require_safe
@page
def chips(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Chips that the reader holds, made, held or expects; a regulator's, those that were within its countries."""
    views = views_of(reader, LISTING)
    if (opened := default_view(request, reader, views)) is not None:
        return opened
    form = ChipFilter(request.GET)
    asked = form.as_of_asked(now=clock.now())
    lines = known_lines_at(reader, *each_view(asked)) if asked else None
    listing = BOTH if asked is not None and asked.view == View.BOTH else LISTING
    rows = form.narrow(visible(reader, Chip), reader=reader, lines=lines)
    rows = rows.select_related("maker__signer", "model").only(*SHOWN)
    file = export_asked(request, listing, rows, CHIPS, lambda batch: _lines(batch, reader, asked), form=form)
    if file is not None:
        return file
    found = CHIPS.page(rows, request)
    places = places_of(found.items, reader, asked)
    context = list_context(request, reader, listing, views) | {
        "form": form,
        "page": found,
        "asked": asked,
        "rows": [(chip, chip.name, places.get(chip.pk)) for chip in found.items],
    }
    return render(request, "portal/chips.html", context)


@require_safe
@page
def chip(request: HttpRequest, reader: Reader, maker: str, serial: str) -> HttpResponse:
    """One chip: who answers for it, the two lines, its history with proofs, its sightings and findings."""
    found = find_chip(reader, maker, serial)
    now = clock.now()
    form = HistoryFilter(request.GET)
    asked = form.as_of_asked(now=now)
    view = read_view(form.answers())
    history = history_of(found, reader=reader)
    steps = in_view(history, view) if asked is None else steps_until(history, asked)
    holding = placements([found], reader=reader).get(found.pk)
    findings = (
        visible(reader, Finding)
        .filter(chip=found)
        .select_related("organisation__signer")
        .order_by("-id")[:50]
    )
    statements = statements_behind(found, history, reader)
    standing = None if asked is None else standing_of(found, history, asked, reader=reader)
    context = {
        "form": form,
        "asked": asked,
        "standing": standing,
        "title": f"{maker}/{serial}",
        "chip": found,
        "maker": maker,
        "facts": chip_facts(found, holding, reader=reader),
        "transfers": transfers_of(history, reader),
        "clusters": clusters_with(reader, holding.account)[:20] if holding else (),
        "holding": holding,
        "account": account_of(holding),
        "lines": draw(found, steps, reader=reader, now=now),
        "events": events_of(found, steps, list(findings), reader=reader, view=view),
        "papers": papers_of(statements),
        "findings": [(finding, RULE_OF[finding.rule]) for finding in findings],
        "has_proofs": bool(statements),
    }
    return render(request, "portal/chip.html", context)


@require_safe
@page
def chip_bundle(request: HttpRequest, reader: Reader, maker: str, serial: str) -> HttpResponse:
    """All statements of a chip that the reader may see, with their proofs, for `chipledger verify`."""
    found = find_chip(reader, maker, serial)
    bundle = bundle_of(statements_behind(found, history_of(found, reader=reader), reader))
    return HttpResponse(
        bundle.to_json(),
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{maker}-{serial}.evidence.json"'},
    )


def find_chip(reader: Reader, maker: str, serial: str) -> Chip:
    """A chip with its maker and model, or 404."""
    rows = visible(reader, Chip).select_related("maker__signer", "model", "statement")
    found = rows.filter(maker__signer__handle=maker, serial=serial).first()
    if found is None:
        raise Http404
    return found


def _lines(batch: Sequence[Chip], reader: Reader, asked: AsOf | None) -> Iterable[tuple[object, ...]]:
    places = places_of(batch, reader, asked)
    is_both = asked is not None and asked.view == View.BOTH
    for chip in batch:
        where = places.get(chip.pk, Whereabouts(None))
        told = [where.place, where.filed] if is_both else [where.place]
        yield chip.name, chip.model.code, *(cell for place in told for cell in _cells(place))


def _cells(place: Place | None) -> tuple[object, ...]:
    return ("",) * 4 if place is None else (place.account, place.holder, place.site, place.since)
