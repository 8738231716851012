"""Receiving a transfer: what was found against what is expected, and the paper that says so."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from chipledger import clock
from chipledger.refusals import Refused
from portal.actions.transfers import prepare_receipt
from portal.doorway import page
from portal.faults import FaultyRows
from portal.forms.papers import FoundForm
from portal.forms.transfers import ReasonsForm, ReceiptForm
from portal.models import Draft
from portal.queries.transfers import expected_names, receive_refusal
from portal.selections import INLINE, Comparison, compare, complete_names, read_names, read_pairs
from portal.uploads import uploaded_stream
from portal.views.transfers import get_visible_transfer
from registry.access import Reader
from tracking.models import Transfer
from web.refusals import status_of

SHOWN = 400


@require_http_methods(["GET", "POST"])
@page
def receive(request: HttpRequest, reader: Reader, digest: str) -> HttpResponse:
    """Compare, look at the differences, then prepare the paper that is signed.

    Nothing is booked before the signature, and the door judges again then: a colleague who was quicker wins.
    """
    transfer = get_visible_transfer(reader, digest)
    refusal = receive_refusal(reader, transfer)
    is_part = getattr(request, "htmx", False)
    if refusal is not None and is_part:
        raise refusal
    expected = [] if refusal else expected_names(transfer)  # a carrier must not learn the names
    form = ReceiptForm(request.POST or None, request.FILES or None, reader=reader)
    refused: Refused | None = refusal if request.method == "POST" else None
    found: Comparison | None = None
    reasons: ReasonsForm | None = None
    if request.method == "POST" and refusal is None and form.is_valid():
        try:
            names = names_found(request, form, expected, by=reader)
            found = _compare(form, names, expected, by=reader)
            reasons = _reasons(request, found)
            if "prepare" in request.POST:
                draft = _prepare(transfer, found, form, reasons, by=reader)
                return redirect("draft", draft.pk)
        except Refused as error:
            refused = error
    context = {
        "title": "Receive a transfer",
        "transfer": transfer,
        "digest": digest,
        "form": form,
        "found": found,
        "reasons": reasons,
        "inline": INLINE,
        "figures": _figures(found),
        "agreement": "Everything that was dispatched is here, and nothing else.",
        "expected": expected[:SHOWN],
        "expected_total": len(expected),
        "refusal": refusal,
        "refused": refused,
        "faults": refused.faults if isinstance(refused, FaultyRows) else [],
    }
    template = "portal/differences.html" if is_part else "portal/receive.html"
    status = 200 if is_part else status_of(form, refused)
    return render(request, template, context, status=status)


def _reasons(request: HttpRequest, found: Comparison) -> ReasonsForm:
    """The reasons, held to be complete only when the paper is asked for; until then they are kept as chosen."""
    if "prepare" in request.POST:
        return ReasonsForm(request.POST, found=found)
    return ReasonsForm(found=found, initial=request.POST.dict())


def _prepare(
    transfer: Transfer, found: Comparison, form: ReceiptForm, reasons: ReasonsForm, *, by: Reader
) -> Draft:
    if not reasons.is_valid():
        raise Refused(
            "reason_missing", "Say of each difference why, beside it; then prepare the receipt again."
        )
    return prepare_receipt(
        transfer, found, reasons=reasons.reasons(), keys=form.chosen_keys(), by=by, at=clock.now()
    )


def names_found(request: HttpRequest, form: FoundForm, expected: list[str], *, by: Reader) -> list[str]:
    """What was found, with the typing errors mended that the person has confirmed."""
    names = read_names(form.cleaned_data["found"], uploaded_stream(request, "file"), by=by)
    mended = dict(pair.split(" ", 1) for pair in request.POST.getlist("mend") if " " in pair)
    return list(dict.fromkeys(mended.get(name, name) for name in complete_names(names, expected)))


def _figures(found: Comparison | None) -> list[tuple[str, int, str]]:
    if found is None:
        return []
    return [
        ("Accepted", len(found.accepted), "book"),
        ("Expected, not seen", len(found.short), "gap"),
        ("Seen, not expected", len(found.over), "silicon"),
        ("Swapped", len(found.swapped), "plain"),
        ("Damaged", len(found.damaged), "plain"),
    ]


def _compare(form: ReceiptForm, names: list[str], expected: list[str], *, by: Reader) -> Comparison:
    damaged = complete_names(read_names(form.cleaned_data["damaged"], None, by=by), expected)
    swapped = [
        (complete_names([one], expected)[0], other) for one, other in read_pairs(form.cleaned_data["swapped"])
    ]
    return compare(set(expected), names, damaged=damaged, swapped=swapped)
