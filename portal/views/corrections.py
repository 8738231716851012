"""Correcting when an earlier statement of one's own took effect."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from chipledger import clock
from chipledger.refusals import Refused
from chipledger.statements.common import format_instant
from ledger.models import Statement
from portal.actions.drafts import prepare_draft
from portal.doorway import page, refusal_of
from portal.forms.papers import CorrectForm
from portal.papers import statement_paper
from registry.access import Reader, get_visible
from registry.models import Role
from tracking.queries.corrections import instant_of, newest_correction
from tracking.rules.corrections import CORRECTABLE
from web.refusals import status_of


@require_http_methods(["GET", "POST"])
@page
def correct(request: HttpRequest, reader: Reader, digest: str) -> HttpResponse:
    """Say when a statement of the organisation's own really took effect; others' have no such page."""
    original = get_visible(
        reader, Statement, digest=bytes.fromhex(digest), signer=reader.organisation.pk, kind__in=CORRECTABLE
    )
    filed = instant_of(original)
    if filed is None:
        raise Http404
    newest = newest_correction(original)
    present = filed if newest is None else newest.effective_at
    form = CorrectForm(request.POST or None, reader=reader, initial={"effective_at": present})
    refusal = refusal_of(reader, Role.PREPARER)
    refused: Refused | None = None
    if request.method == "POST" and refusal is None and form.is_valid():
        fields = {
            "original": digest,
            "effective_at": format_instant(form.cleaned_data["effective_at"]),
            "reason": form.cleaned_data["reason"],
        }
        if newest is not None:
            fields["previous"] = bytes(newest.statement.digest).hex()
        try:
            draft = prepare_draft(form.kind, fields, keys=form.chosen_keys(), by=reader, at=clock.now())
            return redirect("draft", draft.pk)
        except Refused as error:
            refused = error
    context = {
        "title": "Correct a statement",
        "form": form,
        "digest": digest,
        "paper": statement_paper(original),
        "filed": filed,
        "present": present,
        "is_corrected": newest is not None,
        "refusal": refusal,
        "refused": refused,
    }
    return render(request, "portal/correct.html", context, status=status_of(form, refused))
