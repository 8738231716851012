"""Registering a batch: what a maker gives is checked row by row, and comes back as a paper or with every fault."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from chipledger.refusals import Refused
from jobs.models import Job, JobState
from portal.actions.checks import Wish, check_again, check_file, check_serials
from portal.doorway import page, refusal_of
from portal.forms.makers import BatchForm
from portal.queries.checks import KIND
from portal.serial_ranges import read_ranges
from portal.uploads import uploaded
from registry.access import Reader, check_role, get_visible, visible
from registry.models import Role
from web.refusals import status_of

PART: Final = 1 << 20


@require_http_methods(["GET", "POST"])
@page
def register(request: HttpRequest, reader: Reader) -> HttpResponse:
    """Drop a file of new chips, or write ranges of serials; what comes back is a check with every fault, or a paper."""
    form = BatchForm(
        request.POST or None, request.FILES or None, reader=reader, initial=_earlier(request, reader)
    )
    refused: Refused | None = None
    faults: Sequence[Refused] = ()
    if request.method == "POST":
        check_role(reader, Role.PREPARER)
        try:
            file = uploaded(request, "file")
            if form.is_valid():
                if form.cleaned_data["serials"].strip():
                    job, faults = _check_serials(form, file, by=reader)
                else:
                    job = _check_file(form, file, by=reader)
                refused = _refusal_of(job, faults)
                if job is not None and refused is None:
                    return redirect("job", job.pk)
        except Refused as error:
            refused = error
    context = {
        "title": "Register a batch",
        "form": form,
        "refused": refused,
        "faults": faults,
        "refusal": refusal_of(reader, Role.PREPARER),
        "models": [code for code, _ in form.models[:100]],
    }
    return render(request, "portal/register.html", context, status=status_of(form, refused))


@require_POST
@page
def check_anew(request: HttpRequest, reader: Reader, number: UUID) -> HttpResponse:
    """Check the same file once more, and skip what is registered already identically."""
    ended = get_visible(reader, Job, pk=number, kind=KIND, state=JobState.FAILED)
    return redirect("job", check_again(ended, by=reader).pk)


def _check_file(form: BatchForm, file: UploadedFile[bytes] | None, *, by: Reader) -> Job:
    if file is None:
        raise Refused("no_file", "Choose a file of chips, or write their serials.", field="file")
    wish = _wish(form, name=(file.name or "a file without a name")[:120])
    return check_file(file.chunks(PART), wish, size=file.size or 0, by=by)


def _check_serials(
    form: BatchForm, file: UploadedFile[bytes] | None, *, by: Reader
) -> tuple[Job | None, Sequence[Refused]]:
    """The check of serials, or what is wrong with how they are written."""
    if file is not None:
        raise Refused("two_lists", "Give a file or serials, not both at once.", field="serials")
    model = form.cleaned_data["model"]
    if not model:
        raise Refused("no_model", "Choose the model of these serials.", field="model")
    text = form.cleaned_data["serials"]
    found = read_ranges(text)
    if found.faults:
        return None, found.faults
    wish = _wish(form, name=f"serials, {' '.join(text.split())[:100]}", model=model)
    return check_serials(text, wish, rows=found.total, by=by), ()


def _wish(form: BatchForm, *, name: str, model: str = "") -> Wish:
    said = form.cleaned_data
    keys = tuple(key.key_id for key in form.chosen_keys())
    return Wish(name, said["site"], keys, leaves_out=said["leaves_out"], model=model)


def _refusal_of(job: Job | None, faults: Sequence[Refused]) -> Refused | None:
    """Why the form is shown again; a file with rows at fault has a page of its own."""
    if faults:
        found = "1 fault" if len(faults) == 1 else f"{len(faults):,} faults"
        return Refused(
            "serials_refused",
            f"{found} in the serials; nothing was prepared. Correct them, then check again.",
        )
    if job is None or job.problem is None or (job.result or {}).get("rejected"):
        return None
    told = {name: job.problem.get(name) for name in ("field", "value", "row")}
    return Refused(job.problem["code"], job.problem["title"], status=job.problem.get("status", 422), **told)


def _earlier(request: HttpRequest, reader: Reader) -> dict[str, object]:
    """What an earlier check asked for, so that the mended file needs nothing else."""
    number = request.GET.get("after", "")
    try:
        found = visible(reader, Job).filter(pk=UUID(number), kind=KIND).first() if number else None
    except ValueError:
        found = None
    if found is None:
        return {}
    said = found.arguments
    return {
        "site": said["site"],
        "key": next(iter(said["keys"]), ""),
        "leaves_out": said["leaves_out"],
        "model": said["model"],
    }
