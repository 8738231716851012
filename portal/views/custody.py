"""What a holder says of its own chips at a site: installed, removed, lost, stolen, recovered, retired."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from chipledger import clock
from chipledger.refusals import Refused
from portal.actions.custody import prepare_custody
from portal.doorway import holder_refusal, page
from portal.faults import FaultyRows
from portal.forms.custody import ACTS, CustodyForm
from portal.views.selections import choose_chips, frozen_selection
from registry.access import Reader
from web.refusals import status_of

NOT_A_HOLDER = "Only organisations that hold chips say what became of them; ask the holder of a chip to."


@require_http_methods(["GET", "POST"])
@page
def custody(request: HttpRequest, reader: Reader, verb: str) -> HttpResponse:
    """Choose the chips, say when and where; what comes back is a paper to sign, or every fault by chip."""
    act = ACTS.get(verb)
    if act is None:
        raise Http404
    refusal = holder_refusal(reader, NOT_A_HOLDER)
    selection = frozen_selection(request, reader, kind=act.kind)
    if selection is None:
        return choose_chips(
            request, reader, kind=act.kind, title=act.title, sentence=act.sentence, refusal=refusal
        )
    initial = {"site": selection.site, "happened_at": clock.now().replace(second=0, microsecond=0)}
    form = CustodyForm(request.POST or None, act=act, reader=reader, initial=initial)
    refused: Refused | None = None
    if request.method == "POST":
        if refusal is not None:
            raise refusal
        if form.is_valid():
            try:
                draft = prepare_custody(
                    act.kind, form.said(), selection, keys=form.chosen_keys(), by=reader, at=clock.now()
                )
                return redirect("draft", draft.pk)
            except Refused as error:
                refused = error
    context = {
        "title": act.title,
        "sentence": act.sentence,
        "form": form,
        "selection": selection,
        "refused": refused,
        "faults": refused.faults if isinstance(refused, FaultyRows) else [],
        "refusal": refusal,
    }
    return render(request, "portal/custody.html", context, status=status_of(form, refused))
