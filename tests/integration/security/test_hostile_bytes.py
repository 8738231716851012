"""Bytes that are well-formed somewhere and poison elsewhere: every one is a refusal, never a failure of the server."""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Any

import pytest

from chipledger import clock
from chipledger.dsse import parse_envelope, sign_payload
from chipledger.refusals import Refused
from chipledger.statements.common import ManifestRef
from chipledger.statements.registry import ChipsCommissioned, SiteDeclared
from jobs.actions import run_job
from jobs.models import Job, JobState
from jobs.queries import rejected_rows
from ledger import door, manifests
from tests.integration.api.caller import Caller, refused
from tests.world import World

pytestmark = pytest.mark.django_db
SITE = {
    "code": "dc-9",
    "name": "DC 9",
    "country": "US",
    "latitude_e7": 0,
    "longitude_e7": 0,
    "power_kw": 1,
    "slots": 1,
}


def signed_with(world: World, **members: Any) -> bytes:
    """A site declaration whose members are put in after the schema has looked, as a hostile client would."""
    honest = parse_envelope(world.envelope(SiteDeclared, by=world.operator, **SITE))
    payload = json.dumps(json.loads(honest.payload) | members, ensure_ascii=True).encode()
    return sign_payload(payload, [world.operator.key]).to_json()


def job_of(world: World, rows: bytes) -> Job:
    """The job of a commission manifest that was uploaded and filed as it is."""
    raw = b"model,serial,device_key\n" + rows
    manifests.store_blob(world.maker.signer, [raw], secret=secrets.token_bytes(32), at=clock.now())
    reference = ManifestRef(
        sha256=hashlib.sha256(raw).hexdigest(), size=len(raw), rows=raw.count(b"\n") - 1, rows_root="0" * 64
    )
    raw_envelope = world.envelope(ChipsCommissioned, by=world.maker, site="fab-1", manifest=reference)
    outcome = door.submit(raw_envelope)
    assert outcome.job is not None
    run_job(outcome.job.pk)
    return Job.objects.get(pk=outcome.job.pk)


@pytest.mark.parametrize(
    "name", ["DC\x009", "DC\n9", "DC\x1b[2J", "\u202eDC 9", "DC\u20669", "DC\u20289", " DC 9"]
)
def test_a_name_that_hides_or_turns_text_is_refused(world: World, name: str) -> None:
    with pytest.raises(Refused, match="bad_field") as caught:
        door.submit(signed_with(world, name=name))
    assert caught.value.field == "name"


@pytest.mark.parametrize("name", ["Luleå 3", "株式会社データセンター", "Центр-1", "مرکز داده"])
def test_a_name_in_any_script_is_kept(world: World, name: str) -> None:
    door.submit(signed_with(world, name=name))


@pytest.mark.parametrize(
    "instant",
    [
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00Z",
        "2026-W05-1T12:00:00Z",
        "20260131T120000Z",
        "2026-01-31T12Z",
        "2026-01-31T12:00:00.0000009Z",
        "2026-01-31T12:00:00,5Z",
        "2026-01-31T12:00:00+00:00Z",
    ],
)
def test_an_instant_in_another_spelling_or_era_is_refused_at_its_field(world: World, instant: str) -> None:
    with pytest.raises(Refused, match="bad_field") as caught:
        door.submit(signed_with(world, issued_at=instant))
    assert caught.value.field == "issued_at"


def test_a_life_that_ends_after_the_calendar_is_a_refusal(world: World) -> None:
    with pytest.raises(Refused, match="bad_field"):
        door.submit(signed_with(world, issued_at="9999-12-30T00:00:00Z", expires_at="9999-12-31T00:00:00Z"))


def test_a_row_with_a_nul_byte_is_one_refused_row_and_the_job_ends(world: World) -> None:
    job = job_of(world, b"maker-a-h100,S\x001,\n")
    assert job.state == JobState.FAILED
    assert job.result["rejected"]["counts"] == {"bad_serial": 1}


def test_a_formula_in_a_refused_row_is_no_formula_in_the_file(world: World) -> None:
    job = job_of(world, b"maker-a-h100,=1+1|cmd,\nmaker-a-h100,@SUM(A1),\n")
    lines = b"".join(rejected_rows(job)).decode().splitlines()
    assert [line.split(",")[2] for line in lines[1:]] == ["'=1+1|cmd", "'@SUM(A1)"]


@pytest.mark.parametrize(
    "path",
    ["/chips?maker=%00", "/sites?cursor=%00", "/findings?organisation=a%00b", "/chips/maker-a/%00/sightings"],
)
def test_a_nul_in_an_address_is_a_bad_request(world: World, path: str) -> None:
    status, _ = refused(Caller(world.operator).get(path))
    assert status in (400, 404)


def test_a_number_that_no_row_can_have_is_not_found(world: World) -> None:
    administrator = Caller(world.operator).request("DELETE", "/tokens/99999999999999999999999")
    assert administrator.status_code in (403, 404)
