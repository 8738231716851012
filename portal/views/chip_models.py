"""Chip models: the published register, one model with its figures, and publishing a new one."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from chipledger import clock
from chipledger.refusals import Refused
from ledger.authority import check_may_sign
from ledger.models import SignerKind
from portal.actions.drafts import prepare_draft
from portal.doorway import page, refusal_of
from portal.forms.makers import ModelFilter, ModelForm
from portal.lists import Listing, default_view, export_asked, list_context, views_of
from portal.queries import chip_models as queries
from registry.access import Reader, visible
from registry.catalogue import H100E_TPP
from registry.models import ChipModel, Role
from registry.rules import least_tpp
from web.components import Column
from web.paging import Keyset
from web.refusals import status_of

MODELS = Keyset(("code",))
LISTING = Listing(
    "chip-models",
    "Chip models",
    (
        Column("Model", key="model", exports=("code", "name")),
        Column("Maker", key="maker"),
        Column("TPP", numeric=True, key="tpp"),
        Column("FP16, TFLOP/s", numeric=True, key="fp16_gflops"),
        Column("Memory", key="memory", exports=("memory_mb", "memory_kind")),
        Column("H100-equivalents", numeric=True, key="h100_equivalents"),
        Column("TDP, W", numeric=True, key="tdp_w"),
    ),
    (
        "code",
        "name",
        "maker",
        "tpp",
        "fp16_gflops",
        "memory_mb",
        "memory_kind",
        "h100_equivalents",
        "tdp_w",
    ),
)


@require_safe
@page
def models(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """Every published model: the register is public, so that everybody counts alike."""
    views = views_of(reader, LISTING)
    if (opened := default_view(request, reader, views)) is not None:
        return opened
    form = ModelFilter(request.GET)
    rows = form.narrow(visible(reader, ChipModel)).select_related("maker__signer")
    file = export_asked(request, LISTING, rows, MODELS, queries.lines_of, form=form)
    if file is not None:
        return file
    found = MODELS.page(rows, request)
    context = list_context(request, reader, LISTING, views) | {
        "form": form,
        "page": found,
        "rows": [
            (model, f"{model.fp16_gflops / 1000:,.1f}", f"{model.tpp / H100E_TPP:.3f}")
            for model in found.items
        ],
        "is_maker": reader.kind == SignerKind.MANUFACTURER,
        "refusal": refusal_of(reader, Role.PREPARER),
    }
    return render(request, "portal/chip_models.html", context)


@require_safe
@page
def model(request: HttpRequest, reader: Reader, code: str) -> HttpResponse:
    """One model: its figures, the statement behind them, and the reader's own chips of it."""
    found = visible(reader, ChipModel).select_related("maker__signer", "statement").filter(code=code).first()
    if found is None:
        raise Http404
    context = {
        "title": found.name,
        "model": found,
        "facts": queries.facts_of(found),
        "rates": queries.rates_of(found),
        "rate_columns": queries.RATE_COLUMNS,
        "digest": bytes(found.statement.digest).hex(),
        "position": queries.position_of(found),
        "stock": queries.own_stock(found, reader),
        "stock_columns": queries.STOCK_COLUMNS,
        "own_handle": reader.handle,
    }
    return render(request, "portal/chip_model.html", context)


@require_http_methods(["GET", "POST"])
@page
def publish(request: HttpRequest, reader: Reader) -> HttpResponse:
    """The figures of a new model, with the TPP that they give; what comes back is a paper to sign."""
    refusal = _publishing_refusal(reader)
    form = ModelForm(request.POST or None, reader=reader)
    refused: Refused | None = None
    least: int | None = None
    if request.method == "POST":
        if refusal is not None:
            raise refusal
        if form.is_valid():
            gflops = form.gflops()
            least = least_tpp(gflops) if gflops else None
            if "prepare" in request.POST:
                try:
                    draft = prepare_draft(
                        "model.published", form.members(), keys=form.chosen_keys(), by=reader, at=clock.now()
                    )
                    return redirect("draft", draft.pk)
                except Refused as error:
                    refused = error
    context = {
        "title": "Publish a chip model",
        "form": form,
        "least": least,
        "equivalents": None if least is None else f"{least / H100E_TPP:.3f}",
        "refused": refused,
        "refusal": refusal,
    }
    return render(request, "portal/publish_model.html", context, status=status_of(form, refused))


def _publishing_refusal(reader: Reader) -> Refused | None:
    """Why this reader publishes no model: another kind of organisation, or too low a role."""
    try:
        check_may_sign("model.published", signer=reader.organisation.signer, keys=[])
    except Refused as refused:
        return refused
    return refusal_of(reader, Role.PREPARER)
