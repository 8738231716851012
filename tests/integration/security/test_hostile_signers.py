"""Signers that ended, pretend, or hold up the door."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.db import connection, connections, transaction

from chipledger import base64s
from chipledger.dsse import sign_payload
from chipledger.keys import Algorithm, PrivateKey
from chipledger.manifests import Shape
from chipledger.refusals import Refused
from chipledger.statements import common_fields, write_payload
from chipledger.statements.common import KeyGrant, SignerRef
from chipledger.statements.ledger import FirstRegulator, KeyAdded, KeyRevoked, LedgerFounded
from chipledger.statements.registry import ChipsCommissioned, OrganisationSuspended, SiteDeclared
from chipledger.statements.tracking import TransferReceived
from jobs.actions import run_job
from jobs.models import Job, JobState
from ledger import door
from ledger.keys import lock_signer
from ledger.log_key import log_key
from ledger.models import Key
from tests.integration.tracking.trade import Trade
from tests.world import JobRefused, Party, World
from tracking.models import Movement

SITE = {
    "code": "dc-9",
    "name": "DC 9",
    "country": "US",
    "latitude_e7": 0,
    "longitude_e7": 0,
    "power_kw": 1,
    "slots": 1,
}


def founding(world: World, by: Party) -> bytes:
    first = FirstRegulator(handle=by.handle, name="Me", countries=["US"], keys=[by.grant()])
    spki = base64s.encode(log_key().public.spki)
    return world.envelope(LedgerFounded, by=by, log_key=spki, regulators=[first])


@pytest.mark.django_db(transaction=True)
def test_a_second_founding_waits_for_nobody_and_holds_nobody_up(world: World) -> None:
    """It is refused before the table is locked, though a long manifest is being booked meanwhile."""
    booking, done = threading.Event(), threading.Event()

    def book_slowly() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("LOCK TABLE ledger_statement IN ROW EXCLUSIVE MODE")
                booking.set()
                done.wait(20)
        finally:
            connections.close_all()

    thread = threading.Thread(target=book_slowly)
    thread.start()
    try:
        assert booking.wait(20)
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '4s'")
        with pytest.raises(Refused, match="already_founded"):
            door.submit(founding(world, world.operator))
    finally:
        done.set()
        thread.join()
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = DEFAULT")


@pytest.mark.django_db
def test_a_suspended_organisation_cannot_fill_the_inbox(world: World) -> None:
    manifest = world.upload(world.maker, Shape.COMMISSION, [("maker-a-h100", "S1", "")])
    raw = world.envelope(ChipsCommissioned, by=world.maker, site="fab-1", manifest=manifest)
    world.submit(OrganisationSuspended, by=world.regulator, handle=world.maker.handle, reason="audit")
    with pytest.raises(Refused, match="organisation_suspended"):
        door.submit(raw)
    assert not Job.objects.exists()


@pytest.mark.django_db
def test_a_revoked_key_cannot_fill_the_inbox(world: World) -> None:
    manifest = world.upload(world.maker, Shape.COMMISSION, [("maker-a-h100", "S1", "")])
    machine = world.maker.machine_key
    raw = world.envelope(ChipsCommissioned, by=world.maker, key=machine, site="fab-1", manifest=manifest)
    fields = {"key": machine.public.key_id, "reason": "compromised"}
    world.send(world.envelope_of(KeyRevoked, by=world.maker, fields=fields))
    with pytest.raises(Refused, match="key_revoked"):
        door.submit(raw)
    assert not Job.objects.exists()


@pytest.mark.django_db
def test_a_key_of_one_person_does_not_sign_as_another(world: World) -> None:
    key, owner = PrivateKey.generate(Algorithm.P256), "a" * 32
    spki = base64s.encode(key.public.spki)
    grant = KeyGrant(spki=spki, purpose="statement", role="signatory", person=owner)
    world.add_key(world.operator, grant, also=[key])

    def signed_as(person: str | None) -> bytes:
        signer = SignerRef(organisation=world.operator.handle, key=key.public.key_id, person=person)
        common = common_fields(log=settings.LOG_ORIGIN, signers=[signer], at=door.now())
        return sign_payload(write_payload(SiteDeclared(**{**common, **SITE})), [key]).to_json()

    with pytest.raises(Refused, match="person_differs"):
        door.submit(signed_as("b" * 32))
    door.submit(signed_as(owner))


@pytest.mark.django_db
def test_signers_of_two_organisations_are_refused_in_either_order(world: World) -> None:
    for parties in ((world.operator, world.second_operator), (world.second_operator, world.operator)):
        signers = [SignerRef(organisation=each.handle, key=each.key.public.key_id) for each in parties]
        common = common_fields(log=settings.LOG_ORIGIN, signers=signers, at=door.now())
        payload = write_payload(SiteDeclared(**{**common, **SITE}))
        with pytest.raises(Refused, match="several_organisations"):
            door.submit(sign_payload(payload, [each.key for each in parties]).to_json())


@pytest.mark.django_db
def test_a_manifest_of_the_other_shape_books_nothing(world: World) -> None:
    manifest = world.upload(world.maker, Shape.CHIPS, [("maker-a/S1",)])
    with pytest.raises(JobRefused) as caught:
        world.submit(ChipsCommissioned, by=world.maker, site="fab-1", manifest=manifest)
    assert caught.value.code == "manifest_header"


@pytest.mark.django_db
def test_an_atomic_batch_holds_no_paper_whose_fate_is_decided_later(world: World) -> None:
    manifest = world.upload(world.maker, Shape.COMMISSION, [("maker-a-h100", "S1", "")])
    later = world.envelope(ChipsCommissioned, by=world.maker, site="fab-1", manifest=manifest)
    now = world.envelope(SiteDeclared, by=world.maker, **SITE)
    with pytest.raises(Refused, match="manifest_in_atomic_batch") as caught:
        door.submit_many([now, later], atomic=True)
    assert caught.value.field == "envelopes.1.manifest"
    assert not Job.objects.exists()
    assert len(door.submit_many([now, later], atomic=False)) == 2


@pytest.mark.django_db
def test_a_paper_that_names_a_state_nobody_looks_at_is_refused(world: World) -> None:
    """`previous` promises that the paper counts only on that state; a kind that does not check it must not take it."""
    raw = world.envelope(SiteDeclared, by=world.operator, **SITE, previous="00" * 32)
    with pytest.raises(Refused, match="previous_not_used"):
        door.submit(raw)


@pytest.mark.django_db
def test_the_same_file_uploaded_again_does_not_spoil_a_paper_that_waits(world: World) -> None:
    """A colleague, or the client's own second try, uploads it under another secret before the worker comes."""
    manifest = world.upload(world.maker, Shape.COMMISSION, [("maker-a-h100", "S1", "")])
    outcome = door.submit(world.envelope(ChipsCommissioned, by=world.maker, site="fab-1", manifest=manifest))
    world.upload(world.maker, Shape.COMMISSION, [("maker-a-h100", "S1", "")])
    assert outcome.job is not None
    job = run_job(outcome.job.pk)
    assert job is not None
    assert (job.state, job.problem) == (JobState.SUCCEEDED, None)


@pytest.mark.django_db(transaction=True)
def test_one_key_for_two_organisations_at_once_is_one_key_and_one_refusal(world: World) -> None:
    key = PrivateKey.generate(Algorithm.P256)
    grant = KeyGrant(spki=base64s.encode(key.public.spki), purpose="machine", role="machine")
    raws = [
        world.envelope_of(KeyAdded, by=party, fields={"key": grant}, also=[key])
        for party in (world.operator, world.second_operator)
    ]
    start = threading.Barrier(2)

    def file(raw: bytes) -> str:
        try:
            start.wait(20)
            door.submit(raw)
        except Refused as refused:
            return refused.code
        finally:
            connections.close_all()
        return "accepted"

    for _ in range(3):
        with ThreadPoolExecutor(2) as pool:
            found = sorted(pool.map(file, raws))
    assert found == ["accepted", "key_known"]


@pytest.mark.django_db(transaction=True)
def test_a_thief_who_never_stops_filing_cannot_keep_his_key_from_being_revoked(world: World) -> None:
    """Bookings that overlap without end share the lock on the signer; whoever wants it alone still gets its turn."""
    stop, held = threading.Event(), threading.Semaphore(0)
    keys = list(Key.objects.select_related("signer").filter(key_id=world.operator.machine_key.public.key_id))

    def book_long_manifests(delay: float) -> None:
        try:
            time.sleep(delay)
            while not stop.is_set():
                with transaction.atomic():
                    try:
                        lock_signer(keys, exclusive=False)
                    except Refused:
                        return
                    held.release()
                    time.sleep(0.4)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=book_long_manifests, args=(delay,)) for delay in (0, 0.1, 0.2, 0.3)]
    for thread in threads:
        thread.start()
    try:
        for _ in threads:
            assert held.acquire(timeout=20)
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '8s'")
        fields = {"key": keys[0].key_id, "reason": "compromised"}
        world.send(world.envelope_of(KeyRevoked, by=world.operator, fields=fields))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = DEFAULT")


@pytest.mark.django_db(transaction=True)
def test_two_receipts_of_one_dispatch_at_once_take_it_over_once(world: World) -> None:
    trade = Trade(world)
    chips = world.commission([f"S{number}" for number in range(20)])
    digest = trade.dispatch(chips)
    raws = [
        world.envelope(
            TransferReceived, by=world.operator, dispatch=digest, received_at=door.now(), accepted_all=True
        )
        for _ in range(4)
    ]
    start = threading.Barrier(4)

    def file(raw: bytes) -> str:
        try:
            start.wait(20)
            door.submit(raw)
        except Refused as refused:
            return refused.code
        finally:
            connections.close_all()
        return "accepted"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(file, raws)) == ["accepted", "wrong_state", "wrong_state", "wrong_state"]
    assert Movement.objects.filter(kind="received").count() == 1
