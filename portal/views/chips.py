"""Chips: the list, and one with its book, its silicon, its papers and its findings, as far as the reader may see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from audits.models import Finding
from audits.rules import RULE_OF
from chipledger import clock
from ledger.bundles import bundle_of
from portal.doorway import page
from portal.forms.filters import ChipFilter
from portal.lists import Listing, default_view, export_asked, list_context, views_of
from portal.queries.chips import account_of, chip_facts, draw, events_of, papers_of, statements_behind
from registry.access import Reader, visible
from registry.models import Chip
from tracking.models import Holding
from tracking.queries.history import history_of
from tracking.queries.holdings import placements
from web.components import Column
from web.paging import Keyset

CHIPS = Keyset(("id",))
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


@require_safe
@page
def chips(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Chips that the reader holds, made, held or expects; a regulator's, those that were within its countries."""
    views = views_of(reader, LISTING)
    if (opened := default_view(request, reader, views)) is not None:
        return opened
    form = ChipFilter(request.GET)
    rows = form.narrow(visible(reader, Chip), visible(reader, Holding)).select_related(
        "maker__signer", "model"
    )
    file = export_asked(request, LISTING, rows, CHIPS, lambda batch: _lines(batch, reader), form=form)
    if file is not None:
        return file
    found = CHIPS.page(rows, request)
    places = placements(found.items, reader=reader)
    context = list_context(request, reader, LISTING, views) | {
        "form": form,
        "page": found,
        "rows": [
            (chip, _name(chip), places.get(chip.pk), account_of(places.get(chip.pk))) for chip in found.items
        ],
    }
    return render(request, "portal/chips.html", context)


@require_safe
@page
def chip(request: HttpRequest, reader: Reader, maker: str, serial: str) -> HttpResponse:
    """One chip: who answers for it, the two lines, its history with proofs, its sightings and findings."""
    found = find_chip(reader, maker, serial)
    now = clock.now()
    steps = history_of(found, reader=reader)
    holding = placements([found], reader=reader).get(found.pk)
    findings = (
        visible(reader, Finding)
        .filter(chip=found)
        .select_related("organisation__signer")
        .order_by("-id")[:50]
    )
    statements = statements_behind(found, steps, reader)
    context = {
        "title": f"{maker}/{serial}",
        "chip": found,
        "maker": maker,
        "facts": chip_facts(found, holding),
        "holding": holding,
        "account": account_of(holding),
        "lines": draw(found, steps, reader=reader, now=now),
        "events": events_of(found, steps, list(findings), reader=reader),
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


def _name(chip: Chip) -> str:
    return f"{chip.maker.signer.handle}/{chip.serial}"


def _lines(batch: Sequence[Chip], reader: Reader) -> Iterable[tuple[object, ...]]:
    places = placements(batch, reader=reader)
    for chip in batch:
        holding = places.get(chip.pk)
        where: tuple[object, ...] = ("", "", "", "")
        if holding is not None:
            account = holding.account
            where = (account.kind, account.organisation.signer.handle, account.site.code, holding.since)
        yield _name(chip), chip.model.code, *where
