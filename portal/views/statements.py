"""A statement as it was filed, with its signatures and its place in the log."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from ledger.bundles import bundle_of
from ledger.log_key import note_key
from ledger.models import Statement
from portal.doorway import page, refusal_of
from portal.papers import statement_paper
from registry.access import Reader, get_visible, visible
from registry.models import Role
from tracking.models import Correction, Transfer
from tracking.rules.corrections import CORRECTABLE


@require_safe
@page
def statement(request: HttpRequest, reader: Reader, digest: str) -> HttpResponse:
    """The paper: words, bytes, signatures, proof; it prints on one page."""
    found = get_visible(reader, Statement, digest=bytes.fromhex(digest))
    paper = statement_paper(found, with_path=True)
    transfer = visible(reader, Transfer).filter(movements__statement=found).first()
    corrections = Correction.objects.filter(original=found).select_related("statement__signer").order_by("pk")
    own = found.signer_id == reader.organisation.pk and found.kind in CORRECTABLE
    context = {
        "corrections": [(each, bytes(each.statement.digest).hex()) for each in corrections],
        "is_correctable": own,
        "correcting_refusal": refusal_of(reader, Role.PREPARER),
        "title": paper.title,
        "paper": paper,
        "digest": digest,
        "vkey": note_key().vkey,
        "transfer": bytes(transfer.digest).hex() if transfer else None,
        "is_stock_take": found.kind == "stock.counted",
    }
    return render(request, "portal/statement.html", context)


@require_safe
@page
def bundle(request: HttpRequest, reader: Reader, digest: str) -> HttpResponse:
    """The evidence bundle, which `chipledger verify` checks without us."""
    found = get_visible(reader, Statement, digest=bytes.fromhex(digest))
    return HttpResponse(
        bundle_of([found]).to_json(),
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{digest[:16]}.evidence.json"'},
    )
