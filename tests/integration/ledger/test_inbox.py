"""Statements about many chips: acknowledged at once, booked by a job, refused as a whole with every fault named."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from chipledger import clock
from chipledger.manifests import MAX_BYTES, Shape
from chipledger.refusals import Refused
from chipledger.statements.common import ManifestRef
from chipledger.statements.registry import ChipsCommissioned
from jobs import actions, queries
from jobs.models import Job, JobState, RejectedRows
from ledger import door, manifests
from ledger.models import Blob, Statement
from registry.models import Chip
from tests.world import JobRefused, World

pytestmark = pytest.mark.django_db
ROWS = [("maker-a-h100", f"S{number}", "") for number in range(5)]


def test_it_is_acknowledged_at_once_and_booked_by_its_job(world: World) -> None:
    manifest = world.upload(world.maker, Shape.COMMISSION, ROWS)
    raw = world.envelope(ChipsCommissioned, by=world.maker, site="fab-1", manifest=manifest)
    outcome = door.submit(raw)
    assert outcome.state is door.State.QUEUED
    assert outcome.job is not None
    assert not Chip.objects.exists()
    assert actions.run_job(outcome.job.pk).state == JobState.SUCCEEDED
    assert Chip.objects.count() == 5


def test_sent_again_while_it_waits_it_is_the_same_job(world: World) -> None:
    manifest = world.upload(world.maker, Shape.COMMISSION, ROWS)
    raw = world.envelope(ChipsCommissioned, by=world.maker, site="fab-1", manifest=manifest)
    assert door.submit(raw).job == door.submit(raw).job


def test_a_worker_that_died_after_the_commit_books_nothing_twice(world: World) -> None:
    manifest = world.upload(world.maker, Shape.COMMISSION, ROWS)
    raw = world.envelope(ChipsCommissioned, by=world.maker, site="fab-1", manifest=manifest)
    job = door.submit(raw).job
    assert job is not None
    door.book(door.read(raw))
    assert actions.run_job(job.pk).state == JobState.SUCCEEDED
    assert Chip.objects.count() == 5


def test_a_job_with_a_living_lease_is_left_alone(world: World) -> None:
    manifest = world.upload(world.maker, Shape.COMMISSION, ROWS)
    job = door.submit(world.envelope(ChipsCommissioned, by=world.maker, site="fab-1", manifest=manifest)).job
    assert job is not None
    Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING, lease_until=clock.now() + actions.LEASE)
    assert actions.run_job(job.pk) is None
    Job.objects.filter(pk=job.pk).update(lease_until=clock.now() - actions.LEASE)
    assert queries.waiting_jobs(at=clock.now()) == [job.pk]
    assert actions.run_job(job.pk) is not None


def test_a_worker_that_lost_its_lease_cannot_end_the_job(world: World) -> None:
    job = actions.enqueue("ledger.book")
    Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING, fencing=7)
    stale = Job.objects.get(pk=job.pk)
    Job.objects.filter(pk=job.pk).update(fencing=8)
    work = actions.Work(job=stale)
    actions._finish(work, JobState.SUCCEEDED)
    work.rejections.close()
    assert Job.objects.get(pk=job.pk).state == JobState.RUNNING


def test_a_waiting_job_can_be_cancelled_and_books_nothing(world: World) -> None:
    manifest = world.upload(world.maker, Shape.COMMISSION, ROWS)
    job = door.submit(world.envelope(ChipsCommissioned, by=world.maker, site="fab-1", manifest=manifest)).job
    assert job is not None
    actions.cancel_job(job)
    assert actions.run_job(job.pk) is None
    assert not Chip.objects.exists()
    with pytest.raises(Refused, match="job_ended"):
        actions.cancel_job(job)


def test_every_fault_is_named_by_row_field_and_value_and_nothing_is_booked(world: World) -> None:
    world.commission(["KNOWN"])
    bad = [
        ("maker-a-h100", "OK", ""),
        ("maker-a-h100", "b d", ""),
        ("no-such", "X", ""),
        ("maker-a-h100", "OK", ""),
    ]
    bad.append(("maker-a-h100", "KNOWN", ""))
    count = Statement.objects.count()
    manifest = faulty(world, bad)
    with pytest.raises(JobRefused) as caught:
        world.submit(ChipsCommissioned, by=world.maker, site="fab-1", manifest=manifest)
    job = caught.value.job
    assert job.state == JobState.FAILED
    assert job.problem["code"] == "rows_refused"
    places = {(each["row"], each["field"]): each["code"] for each in job.result["rejected"]["shown"]}
    assert places[2, "serial"] == "bad_serial"
    assert places[4, "serial"] == "duplicate_serial"
    assert (3, "model") in places
    assert (5, "serial") in places
    assert sum(job.result["rejected"]["counts"].values()) == 4
    lines = b"".join(queries.rejected_rows(job)).decode().splitlines()
    assert lines[0] == "row,field,value,code,sentence"
    assert len(lines) == 5
    assert RejectedRows.objects.filter(job=job).count() == 1
    assert Statement.objects.count() == count
    assert Chip.objects.count() == 1


def faulty(world: World, rows: list[tuple[str, str, str]]) -> ManifestRef:
    """A manifest stored without being checked, as a careless client would."""
    content = Shape.COMMISSION.header + b"".join(",".join(row).encode() + b"\n" for row in rows)
    return stored(world, content, rows=len(rows))


def stored(world: World, content: bytes, *, rows: int) -> ManifestRef:
    secret = secrets.token_bytes(32)
    blob = manifests.store_blob(world.maker.signer, [content], secret=secret, at=clock.now())
    return ManifestRef(sha256=blob.sha256, size=blob.size, rows=rows, rows_root="0" * 64)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"rows": 6}, "manifest_rows"),
        ({"rows_root": "0" * 64}, "manifest_rows_root"),
        ({"size": 7}, "manifest_size"),
        ({"sha256": "0" * 64}, "manifest_missing"),
    ],
)
def test_a_manifest_that_is_not_what_the_statement_says_is_refused(
    world: World, change: dict[str, object], code: str
) -> None:
    manifest = world.upload(world.maker, Shape.COMMISSION, ROWS).model_copy(update=change)
    with pytest.raises((Refused, JobRefused)) as caught:
        world.submit(ChipsCommissioned, by=world.maker, site="fab-1", manifest=manifest)
    assert caught.value.code == code
    assert not Chip.objects.exists()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\xff\xfem\x00o\x00d\x00e\x00l\x00", "manifest_encoding"),
        (b"serial,model\nS1,maker-a-h100\n", "manifest_header"),
        (Shape.COMMISSION.header, "manifest_empty"),
    ],
)
def test_a_file_that_is_no_manifest_is_refused(world: World, content: bytes, code: str) -> None:
    with pytest.raises(JobRefused) as caught:
        world.submit(ChipsCommissioned, by=world.maker, site="fab-1", manifest=stored(world, content, rows=1))
    assert caught.value.code == code


def test_a_manifest_of_another_organisation_does_not_exist(world: World) -> None:
    manifest = world.upload(world.operator, Shape.COMMISSION, ROWS)
    with pytest.raises(Refused, match="manifest_missing"):
        world.submit(ChipsCommissioned, by=world.maker, site="fab-1", manifest=manifest)


def test_two_gigabytes_are_refused_in_bounded_memory_and_leave_nothing(world: World) -> None:
    def endless() -> Iterator[bytes]:
        sent = 0
        while sent < 4 * MAX_BYTES:
            sent += 1 << 20
            yield bytes(1 << 20)
        raise AssertionError("it was read to the end")

    with pytest.raises(Refused) as caught:
        manifests.store_blob(world.maker.signer, endless(), secret=bytes(32), at=clock.now())
    assert caught.value.status == 413
    assert not Blob.objects.exists()


def test_the_same_file_again_is_the_same_blob(world: World) -> None:
    first = manifests.store_blob(world.maker.signer, [b"a", b"b"], secret=bytes(32), at=clock.now())
    assert manifests.store_blob(world.maker.signer, [b"ab"], secret=bytes(32), at=clock.now()) == first
    assert b"".join(manifests.read_blob(first)) == b"ab"
