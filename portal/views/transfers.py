"""Transfers: the list, one with its chips and differences, and filing a new one."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from audits.models import Finding
from audits.rules import RULE_OF
from chipledger import clock
from chipledger.refusals import Refused
from ledger.models import SignerKind, Statement
from portal.actions.transfers import prepare_dispatch
from portal.doorway import holder_refusal, page
from portal.faults import FaultyRows
from portal.forms.filters import TransferFilter
from portal.forms.transfers import DispatchForm
from portal.lists import Listing, default_view, export_asked, list_context, views_of
from portal.papers.documents import statement_papers
from portal.queries.transfers import papers_about, receive_refusal, state_of, who_answers
from portal.views.selections import choose_chips, frozen_selection
from registry.access import Reader, get_visible, visible
from tracking.models import Difference, Transfer
from tracking.queries.transfers import lines_of, with_parties
from web.components import Column
from web.paging import Keyset
from web.refusals import status_of

TRANSFERS = Keyset(("-id",))
LINES = Keyset(("chip_id",))
SHOWN = 1000
LINE_COLUMNS = (Column("Chip"), Column("Model"), Column("What became of it"))
DIFFERENCE_COLUMNS = (
    Column("Difference"),
    Column("Chip"),
    Column("Reason"),
    Column("Recorded"),
    Column("Settled"),
)
SAID = ("from_site", "consignee", "to_site", "carrier", "waybill", "authorisation")
ANSWERS = "You answer for the chips until the consignee signs for their receipt."
LISTING = Listing(
    "transfers",
    "Transfers",
    (
        Column("Transfer", key="transfer"),
        Column("From", key="sender", exports=("sender", "from_site")),
        Column("To", key="consignee", exports=("consignee", "to_site")),
        Column("Chips", numeric=True, key="quantity"),
        Column("Under way", numeric=True, key="outstanding"),
        Column("State", key="state"),
        Column("Dispatched", key="dispatched_at"),
        Column("Receipt due", key="due_at", exports=("estimated_arrival", "due_at")),
    ),
    (
        *("transfer", "sender", "from_site", "consignee", "to_site", "quantity", "outstanding", "state"),
        *("dispatched_at", "estimated_arrival", "due_at"),
    ),
)


@require_safe
@page
def transfers(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Transfers that the reader is a side of, or that touch its countries."""
    now = clock.now()
    views = views_of(reader, LISTING)
    if (opened := default_view(request, reader, views)) is not None:
        return opened
    form = TransferFilter(request.GET)
    rows = form.narrow(with_parties(visible(reader, Transfer)), own=reader.organisation.pk, at=now)
    file = export_asked(request, LISTING, rows, TRANSFERS, lambda batch: map(_cells, batch), form=form)
    if file is not None:
        return file
    found = TRANSFERS.page(rows, request)
    context = list_context(request, reader, LISTING, views) | {
        "form": form,
        "page": found,
        "rows": [(transfer, *state_of(transfer, at=now)) for transfer in found.items],
        "refusal": filing_refusal(reader),
    }
    return render(request, "portal/transfers.html", context)


@require_safe
@page
def transfer(request: HttpRequest, reader: Reader, digest: str) -> HttpResponse:
    """One transfer: the dispatch, the receipts, what is still under way, and every difference."""
    found = get_visible_transfer(reader, digest)
    differences = visible(reader, Difference).filter(transfer=found).select_related("chip__maker__signer")
    state, tone = state_of(found, at=clock.now())
    findings = visible(reader, Finding).filter(transfer=found).select_related("organisation")
    context = {
        "title": f"Transfer {digest[:12]}",
        "transfer": found,
        "state": state,
        "tone": tone,
        "digest": digest,
        "answers": who_answers(found),
        "statement_url": None if reader.kind == SignerKind.CARRIER else reverse("statement", args=[digest]),
        "findings": [(each, RULE_OF[each.rule]) for each in findings.order_by("-severity", "-id")[:20]],
        "papers": statement_papers(
            list(visible(reader, Statement).filter(pk__in=papers_about(found)).order_by("pk"))
        ),
        "differences": differences.order_by("kind", "name")[:SHOWN],
        "differences_total": differences.count(),
        "difference_columns": DIFFERENCE_COLUMNS,
        "page": LINES.page(lines_of(found, reader=reader), request),
        "line_columns": LINE_COLUMNS,
        "receive_refusal": receive_refusal(reader, found),
        "is_consignee": found.consignee_id == reader.organisation.pk,
    }
    return render(request, "portal/transfer.html", context)


@require_http_methods(["GET", "POST"])
@page
def dispatch(request: HttpRequest, reader: Reader) -> HttpResponse:
    """Choose the chips, which freezes them; then say for whom. What comes back is a paper, or every fault by chip."""
    refusal = filing_refusal(reader)
    selection = frozen_selection(request, reader, kind=DispatchForm.kind)
    if selection is None:
        return choose_chips(
            request,
            reader,
            kind=DispatchForm.kind,
            title="File a transfer",
            sentence=ANSWERS,
            refusal=refusal,
        )
    form = DispatchForm(request.POST or None, reader=reader, initial={"from_site": selection.site})
    refused: Refused | None = None
    if request.method == "POST":
        if refusal is not None:
            raise refusal
        if form.is_valid():
            said = form.cleaned_data
            try:
                draft = prepare_dispatch(
                    {name: said[name] for name in SAID},
                    selection,
                    arrival=form.arrival(),
                    keys=form.chosen_keys(),
                    by=reader,
                    at=clock.now(),
                )
                return redirect("draft", draft.pk)
            except Refused as error:
                refused = error
    context = {
        "title": "File a transfer",
        "form": form,
        "selection": selection,
        "refused": refused,
        "faults": refused.faults if isinstance(refused, FaultyRows) else [],
        "refusal": refusal,
    }
    return render(request, "portal/dispatch.html", context, status=status_of(form, refused))


def get_visible_transfer(reader: Reader, digest: str) -> Transfer:
    """A transfer with its parties, or 404."""
    found = get_visible(reader, Transfer, digest=bytes.fromhex(digest))
    return with_parties(visible(reader, Transfer)).get(pk=found.pk)


def filing_refusal(reader: Reader) -> Refused | None:
    """Why this reader files no transfer."""
    return holder_refusal(
        reader, "Only organisations that hold chips file transfers; follow those that you carry or oversee."
    )


def _cells(transfer: Transfer) -> tuple[object, ...]:
    return (
        bytes(transfer.digest).hex(),
        transfer.sender.signer.handle,
        transfer.from_site.code,
        transfer.consignee.signer.handle,
        transfer.to_site.code,
        transfer.quantity,
        transfer.outstanding,
        transfer.state,
        transfer.dispatched_at,
        transfer.estimated_arrival,
        transfer.due_at,
    )
