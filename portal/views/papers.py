"""A paper on the table: shown in words and bytes, signed by passkey or offline, then filed."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chipledger import clock
from chipledger.dsse import MAX_ENVELOPE_BYTES, STATEMENT_TYPE, Envelope
from chipledger.refusals import Refused
from ledger.door import Outcome
from ledger.models import Statement
from portal.actions.drafts import already_filed, discard_draft, prepare_again, sign_draft
from portal.doorway import page, refusal_of
from portal.faults import FaultyRows
from portal.forms.papers import PaperForm
from portal.models import Draft
from portal.papers import draft_paper
from portal.queries.papers import drafts_waiting, find_draft
from portal.signing import missing_keys, own_passkeys, signing_request, waits_for
from portal.uploads import uploaded
from registry.access import Reader
from registry.models import Role
from web.components import Column

DRAFT_COLUMNS = (
    Column("Paper"),
    Column("Kind"),
    Column("Prepared"),
    Column("By"),
    Column("Signatures", numeric=True),
    Column("Waits for"),
)


@require_safe
@page
def drafts(request: HttpRequest, reader: Reader) -> HttpResponse:
    """Papers of the organisation that wait for a signature."""
    own = own_passkeys(reader)
    rows = [
        (
            draft,
            draft_paper(draft).title,
            len(draft.keys) - len(missing_keys(draft)),
            len(draft.keys),
            waits_for(draft, own),
        )
        for draft in drafts_waiting(reader)
    ]
    return render(
        request, "portal/drafts.html", {"title": "Papers to sign", "rows": rows, "columns": DRAFT_COLUMNS}
    )


@require_http_methods(["GET", "POST"])
@page
def draft(request: HttpRequest, reader: Reader, number: UUID) -> HttpResponse:
    """Look at a frozen paper, and sign it."""
    paper = find_draft(reader, number)
    if paper.filed_at is not None:
        if request.method == "POST":
            messages.info(request, already_filed().sentence)
        return redirect(_where_filed(paper))
    refused: Refused | None = None
    if request.method == "POST":
        try:
            outcome = sign_draft(
                paper, _envelope(request), seen=request.POST.get("seen", ""), by=reader, at=clock.now()
            )
            if outcome is None:
                messages.info(request, "This signature is kept; one more is missing.")
                return redirect("draft", paper.pk)
            return redirect(_where_booked(outcome))
        except Refused as error:
            refused = error
    return _show(request, reader, paper, refused)


@require_POST
@page
def prepare(request: HttpRequest, reader: Reader, number: UUID) -> HttpResponse:
    """Freeze the same words anew, for the key that was chosen."""
    paper = find_draft(reader, number)
    form = _KeyForm(request.POST, reader=reader, kind=paper.kind)
    if not form.is_valid():
        raise Http404
    try:
        prepare_again(paper, keys=form.chosen_keys(), by=reader, at=clock.now())
    except Refused as refused:
        return _show(request, reader, paper, refused)
    messages.success(request, "The paper was prepared anew. Look at it again, then sign.")
    return redirect("draft", paper.pk)


@require_POST
@page
def discard(request: HttpRequest, reader: Reader, number: UUID) -> HttpResponse:
    """Throw a paper away."""
    discard_draft(find_draft(reader, number), by=reader)
    messages.info(request, "The paper was thrown away; nothing was filed.")
    return redirect("drafts")


@require_safe
@page
def envelope(request: HttpRequest, reader: Reader, number: UUID) -> HttpResponse:
    """The paper as an envelope with the signatures so far, to be signed further where the key is."""
    paper = find_draft(reader, number)
    content = (
        bytes(paper.envelope)
        if paper.envelope
        else Envelope(STATEMENT_TYPE, bytes(paper.payload), ()).to_json()
    )
    return HttpResponse(
        content,
        content_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="envelope-{paper.pk}.json"',
            "X-Content-Type-Options": "nosniff",
        },
    )


def _show(request: HttpRequest, reader: Reader, paper: Draft, refused: Refused | None) -> HttpResponse:
    shown = draft_paper(paper)
    form = _KeyForm(reader=reader, kind=paper.kind)
    context = {
        "title": shown.title,
        "draft": paper,
        "signing": signing_request(paper, shown, reader),
        "refused": refused,
        "faults": refused.faults if isinstance(refused, FaultyRows) else [],
        "missing": missing_keys(paper),
        "form": form,
        "preparing_refusal": refusal_of(reader, Role.PREPARER),
    }
    return render(request, "portal/draft.html", context, status=refused.status if refused else 200)


class _KeyForm(PaperForm):
    """With which key the paper is to be signed instead."""

    def __init__(self, *args: object, reader: Reader, kind: str) -> None:
        self.kind = kind
        super().__init__(*args, reader=reader)


def _envelope(request: HttpRequest) -> bytes:
    """The envelope that the passkey made on the page, or that was uploaded."""
    file = uploaded(request, "envelope_file")
    if file is not None:
        raw = file.read(MAX_ENVELOPE_BYTES + 1)
        if len(raw) > MAX_ENVELOPE_BYTES:
            raise Refused(
                "too_large",
                f"An envelope has at most {MAX_ENVELOPE_BYTES} bytes; choose another file.",
                status=413,
            )
        return bytes(raw)
    text = request.POST.get("envelope", "")
    if not text:
        raise Refused(
            "no_envelope", "Nothing was signed yet: use the passkey, or upload the signed envelope."
        )
    return text.encode()


def _where_booked(outcome: Outcome) -> str:
    if outcome.job is not None:
        return reverse("job", args=[outcome.job.pk])
    return _page_of(outcome.digest.hex(), outcome.kind)


def _where_filed(paper: Draft) -> str:
    digest = bytes(paper.digest)
    booked = Statement.objects.filter(digest=digest).exists()
    if paper.job is not None and not booked:
        return reverse("job", args=[paper.job])
    return _page_of(digest.hex(), paper.kind)


def _page_of(digest: str, kind: str) -> str:
    if kind == "transfer.dispatched":
        return reverse("transfer", args=[digest])
    if kind == "chips.commissioned":
        return reverse("batch", args=[digest])
    if kind == "stock.counted":
        return reverse("stock-take", args=[digest])
    return reverse("statement", args=[digest])
