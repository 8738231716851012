"""Long work as the organisation that asked for it sees it: progress, refusals by row, receipt, cancel."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from jobs.actions import cancel_job
from jobs.models import OPEN_STATES, Job, JobState
from jobs.queries import rejected_rows
from ledger.models import Statement
from portal.doorway import page, refusal_of
from portal.forms.machines import JOB_KINDS, JobFilter
from portal.lists import Listing, default_view, export_asked, list_context, views_of
from portal.papers import statement_paper
from portal.queries.checks import FIRST_COLUMNS, MODEL_COLUMNS, check_of
from portal.queries.people import named, names_of
from registry.access import Reader, check_role, get_visible, visible
from registry.models import Role
from web.components import Column, Tone
from web.paging import Keyset

JOBS = Keyset(("-created_at", "id"))
LISTING = Listing(
    "jobs",
    "Jobs",
    (
        Column("Started", key="created_at"),
        Column("Work", key="kind"),
        Column("Asked by", key="asked_by"),
        Column("State", key="state"),
        Column("Rows", numeric=True, key="done"),
        Column("Ended", key="finished_at"),
    ),
    ("created_at", "kind", "asked_by", "state", "done", "finished_at"),
)
FAULT_COLUMNS = (Column("Row", numeric=True), Column("Field"), Column("Value"), Column("Why"))
TONES = {
    JobState.QUEUED: Tone.WAIT,
    JobState.RUNNING: Tone.WAIT,
    JobState.SUCCEEDED: Tone.GOOD,
    JobState.FAILED: Tone.GAP,
    JobState.CANCELLED: Tone.PLAIN,
}


@require_safe
@page
def jobs(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """The organisation's jobs, newest first."""
    views = views_of(reader, LISTING)
    if (opened := default_view(request, reader, views)) is not None:
        return opened
    form = JobFilter(request.GET)
    rows = form.narrow(visible(reader, Job))
    file = export_asked(
        request,
        LISTING,
        rows,
        JOBS,
        lambda batch: _lines(reader, batch),
        form=form,
    )
    if file is not None:
        return file
    found = JOBS.page(rows, request)
    names = names_of(reader, {each.asked_by for each in found.items if each.asked_by})
    context = list_context(request, reader, LISTING, views) | {
        "form": form,
        "page": found,
        "rows": [
            (each, title_of(each), _asker(each, names), TONES[JobState(each.state)]) for each in found.items
        ],
    }
    return render(request, "portal/jobs.html", context)


@require_safe
@page
def job(request: HttpRequest, reader: Reader, number: UUID) -> HttpResponse:
    """One job; while it runs, its state is asked for again every second."""
    found = get_visible(reader, Job, pk=number)
    template = "portal/job_state.html" if getattr(request, "htmx", False) else "portal/job.html"
    return render(request, template, _context(reader, found))


@require_POST
@page
def cancel(request: HttpRequest, reader: Reader, number: UUID) -> HttpResponse:
    """Ask a job to stop."""
    found = get_visible(reader, Job, pk=number)
    check_role(reader, Role.PREPARER)
    cancel_job(found)
    messages.info(request, "The job was asked to stop; what it has not booked it never will.")
    return redirect("job", number)


@require_safe
@page
def rejected(request: HttpRequest, reader: Reader, number: UUID) -> StreamingHttpResponse:
    """Every refused row as CSV."""
    found = get_visible(reader, Job, pk=number)
    return StreamingHttpResponse(
        rejected_rows(found),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="rejected-{found.pk}.csv"',
            "X-Content-Type-Options": "nosniff",
        },
    )


def _asker(job: Job, names: dict[str, str]) -> str:
    return named(job.asked_by, names) or "a program"


def title_of(job: Job) -> str:
    """What a job does, in words."""
    return JOB_KINDS.get(job.kind, job.kind)


def _lines(reader: Reader, batch: list[Job]) -> Iterator[tuple[object, ...]]:
    names = names_of(reader, {each.asked_by for each in batch if each.asked_by})
    return (_cells(each, names) for each in batch)


def _cells(job: Job, names: dict[str, str]) -> tuple[object, ...]:
    return job.created_at, job.kind, _asker(job, names), job.state, job.done, job.finished_at


def _context(reader: Reader, found: Job) -> dict[str, object]:
    result = found.result or {}
    refusals = result.get("rejected") or {"counts": {}, "shown": []}
    digest = result.get("digest")
    statement = (
        visible(reader, Statement).filter(digest=bytes.fromhex(digest)).first()
        if isinstance(digest, str)
        else None
    )
    return {
        "title": title_of(found),
        "asker": _asker(found, names_of(reader, [found.asked_by]) if found.asked_by else {}),
        "job": found,
        "tone": TONES[JobState(found.state)],
        "is_open": found.state in OPEN_STATES,
        "counts": sorted(refusals["counts"].items(), key=lambda pair: -pair[1]),
        "faults": refusals["shown"],
        "faults_total": sum(refusals["counts"].values()),
        "fault_columns": FAULT_COLUMNS,
        "faults_caption": "Rows skipped" if found.state == JobState.SUCCEEDED else "Rows at fault",
        "lines": found.lines.order_by("pk")[:100],
        "paper": statement_paper(statement) if statement else None,
        "is_batch": statement is not None and statement.kind == "chips.commissioned",
        "check": check_of(found, reader),
        "job_number": str(found.pk),
        "first_columns": FIRST_COLUMNS,
        "model_columns": MODEL_COLUMNS,
        "refusal": refusal_of(reader, Role.PREPARER),
    }
