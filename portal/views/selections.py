"""The first step of every paper about many chips: choose them, and see them frozen before going on."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from chipledger import clock
from chipledger.refusals import Refused
from portal.actions.selections import freeze_selection
from portal.faults import FaultyRows
from portal.forms.selections import SelectionForm
from portal.models import Selection
from portal.queries.selections import names_of
from portal.selections import read_names
from portal.uploads import uploaded_stream
from registry.access import Reader, check_role, visible
from registry.models import Role
from web.refusals import status_of


def frozen_selection(request: HttpRequest, reader: Reader, *, kind: str) -> Selection | None:
    """The chips that this address or form goes on with; None when they are still to be chosen.

    Raises Refused when they have expired, or are not the reader's.
    """
    number = request.POST.get("selection") or request.GET.get("selection")
    if not number:
        return None
    try:
        found = visible(reader, Selection).filter(pk=UUID(number), kind=kind).first()
    except ValueError:
        found = None
    if found is None:
        raise Refused(
            "no_such_selection",
            "These chosen chips are not here any more: they wait a day at most. Choose them anew.",
            status=404,
        )
    return found


def choose_chips(
    request: HttpRequest, reader: Reader, *, kind: str, title: str, sentence: str, refusal: Refused | None
) -> HttpResponse:
    """Ask for the chips, and go on at the same address with the selection that was frozen."""
    sent = (request.POST, request.FILES) if request.method == "POST" else ()
    form = SelectionForm(*sent, reader=reader, initial=request.GET.dict())
    refused: Refused | None = None
    if request.method == "POST":
        check_role(reader, Role.PREPARER)
        if form.is_valid():
            try:
                selection = _freeze(request, form, kind=kind, by=reader)
                return redirect(f"{request.path}?{urlencode({'selection': selection.pk})}")
            except Refused as error:
                refused = error
    context = {
        "title": title,
        "sentence": sentence,
        "form": form,
        "refused": refused,
        "faults": refused.faults if isinstance(refused, FaultyRows) else [],
        "refusal": refusal,
    }
    return render(request, "portal/choose.html", context, status=status_of(form, refused))


def _freeze(request: HttpRequest, form: SelectionForm, *, kind: str, by: Reader) -> Selection:
    wanted = form.wanted()
    if wanted is None:
        names = read_names(form.cleaned_data["chips"], uploaded_stream(request, "file"), by=by)
        return freeze_selection(names, kind=kind, how="named one by one", by=by, at=clock.now())
    names = names_of(wanted, kind=kind, by=by)
    return freeze_selection(names, kind=kind, how=wanted.words, site=wanted.site, by=by, at=clock.now())
