"""The dry run of a batch: every row held against the rules that the door's worker will apply, before anybody signs.

A check is a job like any other: a large file waits for a worker, a small one is done while its maker waits. What it
finds is every row at fault, or a paper to sign. Nothing is booked.
"""

from __future__ import annotations

import io
import tempfile
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, cast

from django.db import transaction

from chipledger import clock
from chipledger.manifests import Fault, FaultLog, ManifestSummary, Shape, read_rows
from chipledger.refusals import Refused
from chipledger.statements.common import ManifestRef
from jobs.actions import enqueue, hand_on_input, run_job
from jobs.models import Job
from jobs.queries import job_input
from jobs.runners import Work, runs
from ledger import manifests
from ledger.models import Key
from portal.actions.batches import SPILL, keep_file, keep_rows, pieces_of, sha256_of
from portal.actions.drafts import prepare_draft
from portal.models import Draft
from portal.queries.checks import KIND
from portal.serial_ranges import read_ranges
from registry.access import Reader, check_role, reader_for
from registry.actions.chips import leave_out_identical_rows
from registry.models import Membership, Role
from registry.queries.new_chips import (
    IDENTICAL,
    NewChip,
    rows_at_fault,
    rows_registered_identically,
    staged_by_model,
    staged_chips,
)

AT_ONCE_BYTES: Final = 1 << 20
AT_ONCE_ROWS: Final = 20_000
"""Files up to this size, and ranges up to so many serials, are checked while the person waits."""
SHOWN: Final = 8
STRIDE: Final = 1_000


@dataclass(frozen=True)
class Wish:
    """What a maker wants to register: where, with which keys, and whether rows that are registered already identically
    are left out. ``model`` is that of serials which were written as ranges; a file names it in each row."""

    name: str
    site: str
    keys: tuple[str, ...]
    leaves_out: bool = False
    model: str = ""


def check_file(content: Iterable[bytes], wish: Wish, *, size: int, by: Reader) -> Job:
    """Check a file of new chips, which is kept first.

    The job has ended when it is small, and waits for a worker otherwise. Raises Refused when the role is too low.
    """
    check_role(by, Role.PREPARER)
    return _begin(content, wish, at_once=size <= AT_ONCE_BYTES, by=by)


def check_serials(text: str, wish: Wish, *, rows: int, by: Reader) -> Job:
    """The same for serials that were written as ranges, of which there are so many."""
    check_role(by, Role.PREPARER)
    return _begin([text.encode()], wish, at_once=rows <= AT_ONCE_ROWS, by=by)


def check_again(ended: Job, *, by: Reader) -> Job:
    """Check the file of a failed check again, and leave out what is registered already identically."""
    check_role(by, Role.PREPARER)
    arguments = {**ended.arguments, "leaves_out": True, "person": by.person.pk if by.person else None}
    at_once = bool(arguments["at_once"])
    with transaction.atomic():
        job = enqueue(KIND, scope=by.handle, asked_by=by.pseudonym, arguments=arguments, wake=not at_once)
        hand_on_input(ended, to=job)
    return (run_job(job.pk) if at_once else None) or job


def _begin(content: Iterable[bytes], wish: Wish, *, at_once: bool, by: Reader) -> Job:
    arguments: dict[str, object] = {
        "name": wish.name,
        "site": wish.site,
        "keys": list(wish.keys),
        "leaves_out": wish.leaves_out,
        "model": wish.model,
        "person": by.person.pk if by.person else None,
        "at_once": at_once,
    }
    job = enqueue(
        KIND, scope=by.handle, asked_by=by.pseudonym, arguments=arguments, content=content, wake=not at_once
    )
    return (run_job(job.pk) if at_once else None) or job


@runs(KIND)
def run_check(work: Work) -> dict[str, object]:
    """Read, stage, hold against the register; then keep what is to be signed, and prepare its paper."""
    job = work.job
    wish, by = _wish_of(job), _reader_of(job)
    signer = by.organisation.signer
    # What a worker left that died after it had prepared the paper of this very check.
    Draft.objects.filter(pk=job.pk, filed_at__isnull=True).delete()
    with (
        tempfile.SpooledTemporaryFile(max_size=SPILL) as given,
        tempfile.SpooledTemporaryFile(max_size=SPILL) as made,
    ):
        source, canonical = cast("io.BufferedRandom", given), cast("io.BufferedRandom", made)
        for part in job_input(job):
            source.write(part)
        uploaded = {"sha256": sha256_of(source), "size": source.tell()}
        numbers = _convert(source, canonical, wish, work)
        secret = manifests.secret_for(signer, sha256_of(canonical))
        reference: ManifestRef | None = None
        with transaction.atomic():  # as long as the staged rows live
            found = _judge(canonical, numbers, secret, wish, work, by=by)
            if found.left_out and found.rows:
                rows = ((chip.model, chip.serial, chip.device_key) for chip in staged_chips())
                reference = keep_rows(rows, Shape.COMMISSION, signer, at=clock.now())
            elif found.rows:
                reference = keep_file(canonical, found.summary, secret, signer, at=clock.now())
    if reference is not None:
        _prepare(job, found, reference, wish, by=by)
    return {**found.told(), **({"manifest": reference.sha256} if reference else {}), "uploaded": uploaded}


@dataclass(frozen=True)
class _Found:
    """What a faultless check found: the file, its rows to be signed by model, the first of them, and how many are left
    out."""

    summary: ManifestSummary
    counts: Counter[str]
    first: Sequence[NewChip]
    left_out: int

    @property
    def rows(self) -> int:
        return self.counts.total()

    def told(self) -> dict[str, object]:
        first = [[chip.row, chip.model, chip.serial, bool(chip.device_key)] for chip in self.first]
        return {"rows": self.rows, "models": dict(self.counts), "first": first, "left_out": self.left_out}


def _convert(source: io.BufferedRandom, canonical: io.BufferedRandom, wish: Wish, work: Work) -> array[int]:
    """Write what was given as a canonical file; returns the place of each of its rows in what was given."""
    faults = FaultLog(lambda fault: work.rejections.add(fault.as_refusal()))
    numbers = array("L")
    source.seek(0)
    canonical.write(Shape.COMMISSION.header)
    rows = _ranges(source, wish.model) if wish.model else read_rows(source, Shape.COMMISSION, faults)
    for number, row in rows:
        canonical.write(",".join(row).encode() + b"\n")
        numbers.append(number)
        if len(numbers) % STRIDE == 0:
            work.progress(0, None)
    return numbers


def _ranges(source: io.BufferedRandom, model: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    found = read_ranges(source.read().decode())
    if found.faults:
        raise found.faults[0]
    return ((number, (model, serial, "")) for number, serial in enumerate(found, 1))


def _judge(
    canonical: io.BufferedRandom,
    numbers: array[int],
    secret: bytes,
    wish: Wish,
    work: Work,
    *,
    by: Reader,
) -> _Found:
    """Hold every row against the rules of its shape and against the register; raises Refused when any is at fault."""

    def refuse(fault: Fault) -> None:
        work.rejections.add(fault.as_refusal())

    if not numbers:
        if not work.rejections.total:
            raise Refused("manifest_empty", "There is no row in this file; give at least one.", field="file")
        raise _refusal_of(work)
    loaded = manifests.load_rows(
        Shape.COMMISSION,
        pieces_of(canonical),
        secret,
        on_fault=refuse,
        progress=lambda rows: work.progress(rows, len(numbers)),
        numbers=numbers,
    )
    for refused in rows_at_fault(by.organisation, reader=by.organisation.pk):
        if not (wish.leaves_out and refused.code == IDENTICAL):
            work.rejections.add(refused)
    if work.rejections.total:
        raise _refusal_of(work)
    if wish.leaves_out:
        for refused in rows_registered_identically(by.organisation):
            work.rejections.add(refused)
        leave_out_identical_rows(by.organisation)
    first = tuple(staged_chips(limit=SHOWN))
    return _Found(loaded.summary, Counter(staged_by_model()), first, work.rejections.total)


def _refusal_of(work: Work) -> Refused:
    """The refusal of a file for its rows, the first of which are shown by their place in it."""
    total = work.rejections.total
    work.keeps_input = set(work.rejections.counts) == {IDENTICAL}
    work.rejections.shown.sort(key=lambda problem: int(str(problem.get("row", 0))))
    faults = "1 fault was" if total == 1 else f"{total:,} faults were"
    return Refused(
        "rows_refused", f"{faults} found; nothing was prepared. Correct the file, then drop it again."
    )


def _prepare(job: Job, found: _Found, reference: ManifestRef, wish: Wish, *, by: Reader) -> None:
    """The paper of a check has the number of its job, so that one leads to the other."""
    models = ", ".join(f"{number:,} × {model}" for model, number in sorted(found.counts.items()))
    notes: dict[str, object] = {"Given as": wish.name, "Models": models[:400]}
    if found.left_out:
        rows = "1 row" if found.left_out == 1 else f"{found.left_out:,} rows"
        notes["Left out"] = f"{rows} registered already, identically"
    keys = list(Key.objects.filter(signer=by.organisation.pk, key_id__in=wish.keys))
    prepare_draft(
        "chips.commissioned",
        {"site": wish.site, "manifest": reference.model_dump(mode="json")},
        keys=keys,
        by=by,
        at=clock.now(),
        notes=notes,
        number=job.pk,
    )


def _wish_of(job: Job) -> Wish:
    said = job.arguments
    return Wish(said["name"], said["site"], tuple(said["keys"]), said["leaves_out"], said["model"])


def _reader_of(job: Job) -> Reader:
    """Who asked for the check, in the role that they have now."""
    membership = (
        Membership.objects.select_related("organisation__signer", "person")
        .filter(
            organisation__signer__handle=job.scope, person=job.arguments.get("person"), until__isnull=True
        )
        .first()
    )
    if membership is None:
        raise Refused("not_a_member", "Who asked for this has left the organisation; ask anew.", status=403)
    return reader_for(membership.organisation, role=Role(membership.role), person=membership.person)
