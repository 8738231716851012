"""A maker's batches: registering chips from a file, and what was registered before."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from chipledger import clock
from chipledger.refusals import Refused
from ledger.models import Statement
from portal.actions.batches import prepare_batch
from portal.doorway import page, refusal_of
from portal.faults import FaultyRows
from portal.forms.papers import BatchForm
from portal.models import Draft
from portal.queries.batches import batches_of
from portal.uploads import stream_of, uploaded
from registry.access import Reader, check_role, visible
from registry.models import ChipModel, Role
from web.components import Column
from web.paging import Keyset

BATCHES = Keyset(("-id",))
COLUMNS = (
    Column("Accepted"),
    Column("Site"),
    Column("Chips", numeric=True),
    Column("File"),
    Column("Log №", numeric=True),
)


@require_safe
@page
def batches(request: HttpRequest, reader: Reader) -> HttpResponse:
    """What this maker has registered, newest first."""
    rows = visible(reader, Statement).filter(signer=reader.organisation.pk, kind="chips.commissioned")
    found = BATCHES.page(rows, request)
    context = {
        "title": "Batches",
        "page": found,
        "rows": batches_of(found.items),
        "columns": COLUMNS,
        "refusal": refusal_of(reader, Role.PREPARER),
    }
    return render(request, "portal/batches.html", context)


@require_http_methods(["GET", "POST"])
@page
def register(request: HttpRequest, reader: Reader) -> HttpResponse:
    """Drop a file of new chips; what comes back is a paper to sign, or every fault by row."""
    form = BatchForm(request.POST or None, request.FILES or None, reader=reader)
    refused: Refused | None = None
    if request.method == "POST":
        check_role(reader, Role.PREPARER)
        try:
            file = uploaded(request, "file")
            if form.is_valid():
                if file is None:
                    raise Refused("no_file", "Choose a file of chips.", field="file")
                prepared = prepare_batch(
                    stream_of(file),
                    name=file.name or "without a name",
                    site=form.cleaned_data["site"],
                    key=form.chosen_key(),
                    by=reader,
                    at=clock.now(),
                )
                return redirect("draft" if isinstance(prepared, Draft) else "job", prepared.pk)
        except Refused as error:
            refused = error
    context = {
        "title": "Register a batch",
        "form": form,
        "refused": refused,
        "faults": refused.faults if isinstance(refused, FaultyRows) else [],
        "refusal": refusal_of(reader, Role.PREPARER),
        "models": visible(reader, ChipModel)
        .filter(maker=reader.organisation)
        .order_by("code")
        .values_list("code", flat=True)[:100],
    }
    return render(request, "portal/register.html", context, status=_status(form, refused))


def _status(form: BatchForm, refused: Refused | None) -> int:
    if refused is not None:
        return refused.status
    return 422 if form.is_bound and form.errors else 200
