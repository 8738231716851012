"""Commissioning chips from a manifest: what is registered, and every row that is refused."""

from __future__ import annotations

import io
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from chipledger import base64s, clock
from chipledger.keys import Algorithm, PrivateKey
from chipledger.manifests import ManifestReader, Shape, write_canonical
from chipledger.statements.common import ManifestRef
from chipledger.statements.registry import ChipsCommissioned
from jobs.actions import run_job
from jobs.models import Job
from ledger import door
from ledger.integrator import integrate
from ledger.manifests import store_blob
from ledger.models import Statement
from ledger.replay import replay
from registry.models import Chip
from tests.integration.registry.refusals import refused
from tests.world import JobRefused, Party, World

pytestmark = pytest.mark.django_db
MODEL = "maker-a-h100"


def device_key(algorithm: Algorithm = Algorithm.P256) -> str:
    return base64s.encode(PrivateKey.generate(algorithm).public.spki)


def upload_unchecked(party: Party, rows: list[tuple[str, str, str]]) -> ManifestRef:
    """Upload a file as a careless client would: its summary is right, its rows may not be."""
    out, secret = io.BytesIO(), secrets.token_bytes(32)
    write_canonical(rows, out, Shape.COMMISSION)
    store_blob(party.signer, [out.getvalue()], secret=secret, at=clock.now())
    reader = ManifestReader(Shape.COMMISSION, secret)
    reader.feed(out.getvalue())
    summary = reader.close()
    return ManifestRef(
        sha256=summary.sha256, size=summary.size, rows=summary.rows, rows_root=summary.rows_root
    )


def rejected(world: World, rows: list[tuple[str, str, str]]) -> list[dict[str, Any]]:
    """Commission these rows, expect that all is refused, and return the problems in order of rows."""
    chips, statements = Chip.objects.count(), Statement.objects.count()
    manifest = upload_unchecked(world.maker, rows)
    with pytest.raises(JobRefused) as caught:
        world.submit(ChipsCommissioned, by=world.maker, site="fab-1", manifest=manifest)
    assert caught.value.code == "rows_refused"
    assert (chips, statements) == (Chip.objects.count(), Statement.objects.count())
    shown = caught.value.job.result["rejected"]["shown"]
    return sorted(shown, key=lambda problem: (problem["row"], problem["field"]))


def places(problems: list[dict[str, Any]]) -> list[tuple[int, str, str]]:
    return [(problem["row"], problem["field"], problem["code"]) for problem in problems]


def add_rival(world: World) -> Party:
    """A second maker with a model and a fab of its own."""
    rival, mine = Party("maker-b"), world.maker
    world.admit(rival, "manufacturer")
    world.maker = rival
    world.publish_model("maker-b-gpu")
    world.maker = mine
    world.declare_site(rival, "fab-b")
    return rival


def test_commissioned_chips_have_identity_and_device_key(world: World) -> None:
    world.commission(["A1", "a1", "B-2"])
    chips = Chip.objects.order_by("serial")
    assert [chip.serial for chip in chips] == ["A1", "B-2", "a1"]
    key = world.device_keys["maker-a/B-2"].public.spki
    assert bytes(chips[1].device_key or b"") == key
    assert {chip.model.code for chip in chips} == {MODEL}
    assert {chip.statement.kind for chip in chips} == {"chips.commissioned"}


def test_chips_without_keys_and_with_every_kind_of_key_are_registered(world: World) -> None:
    rows = [(MODEL, f"S{number}", key) for number, key in enumerate(["", "", *map(device_key, Algorithm)])]
    manifest = world.upload(world.maker, Shape.COMMISSION, rows)
    world.submit(ChipsCommissioned, by=world.maker, site="fab-1", manifest=manifest)
    assert Chip.objects.filter(device_key__isnull=True).count() == 2
    assert Chip.objects.count() == 5


def test_every_faulty_row_is_refused_at_its_place(world: World) -> None:
    world.commission(["OLD"])
    taken = base64s.encode(world.device_keys["maker-a/OLD"].public.spki)
    add_rival(world)
    rows = [
        (MODEL, "N1", device_key()),
        ("maker-a-h10", "N2", ""),
        ("maker-b-gpu", "N3", ""),
        (MODEL, "OLD", ""),
        (MODEL, "N5", taken),
        (MODEL, "N6", device_key()[:60] + "AAAA" + device_key()[64:]),
    ]
    assert places(rejected(world, rows)) == [
        (2, "model", "unknown_model"),
        (3, "model", "model_of_another_maker"),
        (4, "serial", "serial_registered"),
        (5, "device_key", "device_key_registered"),
        (6, "device_key", "bad_device_key"),
    ]


def test_an_unknown_model_is_answered_with_the_one_perhaps_meant(world: World) -> None:
    (problem,) = rejected(world, [("maker-a-h10o", "N1", "")])
    assert (
        problem["title"]
        == "The maker has published no chip model of this code; publish it, or name another. Did you mean maker-a-h100?"
    )


def test_duplicates_inside_the_file_are_refused(world: World) -> None:
    key = device_key()
    rows = [(MODEL, "D1", key), (MODEL, "D2", key), (MODEL, "D1", ""), (MODEL, "D4", "")]
    assert places(rejected(world, rows)) == [
        (2, "device_key", "duplicate_device_key"),
        (3, "serial", "duplicate_serial"),
    ]


def test_the_makers_own_statement_is_named_where_a_serial_is_registered(world: World) -> None:
    world.commission(["OLD"])
    digest = bytes(Statement.objects.get(kind="chips.commissioned").digest).hex()
    (problem,) = rejected(world, [(MODEL, "OLD", "")])
    said = "This serial is registered already, with another device key, by your statement"
    assert problem["title"] == f"{said} {digest[:16]}; leave the row out."


def test_a_device_key_of_another_maker_is_refused_without_naming_anybody(world: World) -> None:
    world.commission(["SECRET-7"])
    taken = base64s.encode(world.device_keys["maker-a/SECRET-7"].public.spki)
    rival = add_rival(world)
    manifest = world.upload(rival, Shape.COMMISSION, [("maker-b-gpu", "SECRET-7", taken)])
    with pytest.raises(JobRefused) as caught:
        world.submit(ChipsCommissioned, by=rival, site="fab-b", manifest=manifest)
    (problem,) = caught.value.job.result["rejected"]["shown"]
    assert problem["code"] == "device_key_registered"
    assert problem["title"] == "This device key is registered already; correct the row, or leave it out."
    assert world.maker.handle not in str(problem)


def test_two_makers_may_use_the_same_serial(world: World) -> None:
    world.commission(["SAME"], keyed=False)
    world.maker = add_rival(world)
    assert world.commission(["SAME"], model="maker-b-gpu", site="fab-b", keyed=False) == ["maker-b/SAME"]
    assert Chip.objects.filter(serial="SAME").count() == 2


def test_chips_are_commissioned_at_the_makers_own_site(world: World) -> None:
    manifest = world.upload(world.maker, Shape.COMMISSION, [(MODEL, "N1", "")])
    with pytest.raises(JobRefused) as caught:
        world.submit(ChipsCommissioned, by=world.maker, site="dc-1", manifest=manifest)
    assert caught.value.code == "unknown_site"


def test_an_operator_commissions_nothing(world: World) -> None:
    manifest = world.upload(world.operator, Shape.COMMISSION, [(MODEL, "N1", "")])
    refused(
        world,
        ChipsCommissioned,
        "organisation_may_not_sign",
        by=world.operator,
        site="dc-1",
        manifest=manifest,
    )


def test_commissioning_sent_twice_registers_once(world: World) -> None:
    manifest = world.upload(world.maker, Shape.COMMISSION, [(MODEL, "N1", "")])
    raw = world.envelope(ChipsCommissioned, by=world.maker, site="fab-1", manifest=manifest)
    first, second = world.send(raw), world.send(raw)
    assert second.known
    assert first.digest == second.digest
    assert Chip.objects.count() == 1


def test_every_chip_of_a_file_that_was_registered_before_is_refused(world: World) -> None:
    rows = [(MODEL, f"R{number}", "") for number in range(1200)]
    manifest = world.upload(world.maker, Shape.COMMISSION, rows)
    world.submit(ChipsCommissioned, by=world.maker, site="fab-1", manifest=manifest)
    with pytest.raises(JobRefused) as caught:
        world.submit(ChipsCommissioned, by=world.maker, site="fab-1", manifest=manifest)
    found = caught.value.job.result["rejected"]
    assert found["counts"] == {"registered_identically": 1200}
    assert len(found["shown"]) == 1000


def test_the_register_of_chips_is_rebuilt_from_the_log(world: World) -> None:
    world.commission(["A", "B", "C"])
    world.commission(["D"], keyed=False)
    integrate()
    assert replay() == []


@pytest.mark.django_db(transaction=True)
def test_of_two_files_with_one_serial_at_the_same_instant_exactly_one_is_booked(
    world: World,
) -> None:
    jobs = []
    for extra in ("X", "Y"):
        manifest = world.upload(world.maker, Shape.COMMISSION, [(MODEL, extra, ""), (MODEL, "SAME", "")])
        raw = world.envelope(ChipsCommissioned, by=world.maker, site="fab-1", manifest=manifest)
        queued = door.submit(raw).job
        assert queued is not None
        jobs.append(queued.pk)
    start = threading.Barrier(2)

    def work(number: UUID) -> Job | None:
        try:
            start.wait()
            return run_job(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        ended = [job for job in pool.map(work, jobs) if job is not None]
    assert sorted(job.state for job in ended) == ["failed", "succeeded"]
    (failed,) = (job for job in ended if job.state == "failed")
    assert failed.result is not None
    (problem,) = failed.result["rejected"]["shown"]
    assert (problem["row"], problem["code"]) == (2, "registered_identically")
    assert Chip.objects.filter(serial="SAME").count() == 1
    assert Chip.objects.count() == 2
