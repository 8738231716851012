"""Long work over HTTP: uploaded, followed, cancelled, and every refused row given back."""

from __future__ import annotations

import csv
import hashlib
import io
import secrets
from typing import Any

import pytest

from chipledger import base64s, clock
from chipledger.manifests import Shape, summarise
from chipledger.statements.common import ManifestRef
from chipledger.statements.registry import ChipsCommissioned
from jobs.actions import run_job
from jobs.models import Job, JobState
from ledger.models import Blob
from registry.models import Chip
from tests.integration.api.caller import Caller, refused
from tests.world import World

pytestmark = pytest.mark.django_db
SECRET = secrets.token_bytes(32)


@pytest.fixture
def maker(world: World) -> Caller:
    return Caller(world.maker)


def upload(caller: Caller, raw: bytes) -> Any:
    told = {"Manifest-Secret": base64s.encode(SECRET)}
    return caller.post("/manifests", raw, "text/csv; charset=utf-8", headers=told)


def file_rows(world: World, caller: Caller, raw: bytes) -> str:
    """Upload a manifest as it is and file the statement that names it; the job."""
    assert upload(caller, raw).status_code == 201
    rows = raw.count(b"\n") - 1
    try:
        root = summarise(io.BytesIO(raw), Shape.COMMISSION, SECRET).rows_root
    except Exception:
        root = "0" * 64
    reference = ManifestRef(sha256=hashlib.sha256(raw).hexdigest(), size=len(raw), rows=rows, rows_root=root)
    answer = caller.post(
        "/statements",
        world.envelope(ChipsCommissioned, by=world.maker, site="fab-1", manifest=reference),
    )
    assert answer.status_code == 202, answer.content
    return str(answer.json()["job"])


GOOD = b"model,serial,device_key\n" + b"".join(b"maker-a-h100,S%d,\n" % number for number in range(3))
BAD = b"model,serial,device_key\nmaker-a-h100,OK,\nmaker-a-h100,b d,\nno-such,X,\nmaker-a-h100,OK,\n"


def test_an_uploaded_manifest_is_answered_with_what_was_received(maker: Caller) -> None:
    answer = upload(maker, GOOD)
    assert answer.status_code == 201
    assert answer.json() == {"sha256": hashlib.sha256(GOOD).hexdigest(), "size": len(GOOD)}
    assert upload(maker, GOOD).json() == answer.json()
    assert Blob.objects.count() == 1


def test_a_strangers_blob_does_not_exist(world: World, maker: Caller) -> None:
    stranger = Caller(world.operator)
    upload(stranger, GOOD)
    reference = world.upload(world.operator, Shape.COMMISSION, [("maker-a-h100", "S1", "")])
    raw = world.envelope(ChipsCommissioned, by=world.maker, site="fab-1", manifest=reference)
    assert refused(maker.post("/statements", raw)) == (409, "manifest_missing")


def test_a_job_is_followed_to_its_end(world: World, maker: Caller) -> None:
    job = file_rows(world, maker, GOOD)
    assert maker.get(f"/jobs/{job}").json()["state"] == "queued"
    Job.objects.filter(pk=job).update(state=JobState.RUNNING, done=1, total=3, lease_until=clock.now())
    running = maker.get(f"/jobs/{job}").json()
    assert (running["state"], running["done"], running["total"]) == ("running", 1, 3)
    Job.objects.filter(pk=job).update(state=JobState.QUEUED)
    run_job(job)
    ended = maker.get(f"/jobs/{job}").json()
    assert (ended["state"], ended["done"], ended["total"]) == ("succeeded", 3, 3)
    assert (ended["problem"], ended["problems"], ended["rejected_rows"]) == (None, [], None)
    assert Chip.objects.count() == 3


def test_a_refused_manifest_gives_back_every_row_at_fault(world: World, maker: Caller) -> None:
    job = file_rows(world, maker, BAD)
    run_job(job)
    said = maker.get(f"/jobs/{job}").json()
    assert (said["state"], said["problem"]["code"]) == ("failed", "rows_refused")
    assert [(each["row"], each["field"]) for each in said["problems"]] == [
        (2, "serial"), (4, "serial"), (3, "model"),
    ]  # fmt: skip
    assert sum(said["counts"].values()) == 3
    answer = maker.get(said["rejected_rows"])
    assert answer["Content-Type"].startswith("text/csv")
    assert f"rejected-{job}.csv" in answer["Content-Disposition"]
    table = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert [(row["row"], row["value"]) for row in table] == [("2", "b d"), ("4", "OK"), ("3", "no-such")]
    assert not Chip.objects.exists()


def test_a_waiting_job_is_cancelled_once(world: World, maker: Caller) -> None:
    job = file_rows(world, maker, GOOD)
    assert maker.post(f"/jobs/{job}/cancel").json()["state"] == "cancelled"
    assert refused(maker.post(f"/jobs/{job}/cancel")) == (409, "job_ended")
    assert run_job(job) is None
    assert not Chip.objects.exists()


def test_a_strangers_job_does_not_exist(world: World, maker: Caller) -> None:
    job = file_rows(world, maker, GOOD)
    stranger = Caller(world.operator)
    for path in (f"/jobs/{job}", f"/jobs/{job}/rejected"):
        assert refused(stranger.get(path)) == (404, "not_found")
    assert refused(stranger.post(f"/jobs/{job}/cancel")) == (404, "not_found")
    assert Job.objects.get(pk=job).state == JobState.QUEUED


def test_a_token_that_reads_cancels_nothing(world: World, maker: Caller) -> None:
    job = file_rows(world, maker, GOOD)
    reading = Caller(world.maker, ["read"])
    assert reading.get(f"/jobs/{job}").status_code == 200
    assert refused(reading.post(f"/jobs/{job}/cancel")) == (403, "permission_denied")


def test_following_a_job_costs_two_queries(
    world: World, maker: Caller, django_assert_num_queries: Any
) -> None:
    job = file_rows(world, maker, GOOD)
    with django_assert_num_queries(2):  # token, job
        maker.get(f"/jobs/{job}")
