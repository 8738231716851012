"""The dry run of a batch as its job's page shows it: what would be signed, and what is left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from jobs.models import Job, JobInput, JobState
from portal.models import Draft
from registry.access import Reader, visible
from web.components import Column

KIND: Final = "portal.check-batch"
FIRST_COLUMNS: Final = (Column("Row", numeric=True), Column("Model"), Column("Serial"), Column("Device key"))
MODEL_COLUMNS: Final = (Column("Model"), Column("Chips", numeric=True))


@dataclass(frozen=True)
class Check:
    """``rows`` would be signed, ``left_out`` are registered already identically. ``draft`` is the paper while it can be
    signed. ``can_leave_out``: all faults are such rows, and the file is still here to be checked without them."""

    name: str
    site: str
    sha256: str
    rows: int
    left_out: int
    models: tuple[tuple[str, int], ...]
    first: tuple[tuple[int, str, str, bool], ...]
    draft: Draft | None
    can_leave_out: bool


def check_of(job: Job, reader: Reader) -> Check | None:
    """The check that a job is, None for other kinds of work."""
    if job.kind != KIND:
        return None
    said, found = job.arguments, job.result or {}
    ended_well = job.state == JobState.SUCCEEDED
    drafts = visible(reader, Draft).filter(pk=job.pk) if ended_well else Draft.objects.none()
    return Check(
        name=said["name"],
        site=said["site"],
        sha256=found.get("uploaded", {}).get("sha256", ""),
        rows=found.get("rows", 0),
        left_out=found.get("left_out", 0),
        models=tuple(sorted(found.get("models", {}).items())),
        first=tuple((row, model, serial, keyed) for row, model, serial, keyed in found.get("first", [])),
        draft=drafts.first(),
        can_leave_out=job.state == JobState.FAILED and JobInput.objects.filter(job=job).exists(),
    )
