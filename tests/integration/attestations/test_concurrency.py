"""Batches that arrive at once about the same chips: each is judged on what the one before it left."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import pytest
from django.db import InterfaceError, OperationalError, connection

from attestations.models import Conflict, Sighting, UsedNonce
from chipledger import clock
from chipledger.refusals import Refused
from ledger import door
from ledger.models import Statement
from tests.integration.attestations.gateway import Gateway, StandingClock, register
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """A gateway whose world is committed, so that other connections see it."""
    standing = StandingClock(datetime(2026, 3, 2, 12, tzinfo=UTC))
    previous = clock.use(standing)
    world = World()
    world.found()
    world.populate()
    yield Gateway(world, world.operator, "dc-1", {})
    clock.use(previous)


def submit_at_once(envelopes: Sequence[bytes]) -> list[door.Outcome | Exception]:
    """Each envelope from a thread and connection of its own, all released together."""
    gate = threading.Barrier(len(envelopes))
    outcomes: list[door.Outcome | Exception] = [RuntimeError("never ran")] * len(envelopes)

    def run(place: int) -> None:
        gate.wait()
        try:
            outcomes[place] = door.submit(envelopes[place])
        except Exception as failure:  # the test looks at whatever came
            outcomes[place] = failure
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(envelopes))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@pytest.mark.parametrize("is_seen_before", [False, True])
def test_rival_batches_about_the_same_chips_are_judged_one_after_the_other(
    gateway: Gateway, is_seen_before: bool
) -> None:
    """All claim the same next number: exactly one is the sighting, and every other is kept as a fork."""
    chips = register(gateway.world, [f"s{number}" for number in range(40)])
    if is_seen_before:
        gateway.collect(chips)
    start = dict(gateway.chain)
    envelopes = []
    for rival in range(4):
        gateway.chain.clear()
        gateway.chain.update(start)
        nonce = gateway.nonce()
        shuffled = chips[rival * 10 :] + chips[: rival * 10]
        envelopes.append(gateway.envelope([gateway.ask(chip, nonce) for chip in shuffled], nonce=nonce))
    outcomes = submit_at_once(envelopes)
    accepted = [outcome.verdict["accepted"] for outcome in outcomes if isinstance(outcome, door.Outcome)]
    assert sorted(accepted) == [0, 0, 0, 40], outcomes
    assert Sighting.objects.count() == 40
    assert Conflict.objects.filter(sign="sequence_fork").count() == 3 * 40


def test_one_nonce_filed_twice_at_once_is_used_once(gateway: Gateway) -> None:
    """The batches share no chip, so that only the nonce can tell them apart."""
    chips = register(gateway.world, ["a", "b", "c", "d"])
    gateway.collect(chips)
    nonce = gateway.nonce()
    outcomes = submit_at_once([gateway.envelope([gateway.ask(chip, nonce)], nonce=nonce) for chip in chips])
    refusals = [outcome.code for outcome in outcomes if isinstance(outcome, Refused)]
    assert refusals == ["nonce_used"] * 3, outcomes
    assert UsedNonce.objects.count() == 2
    assert Sighting.objects.filter(seq=2).count() == 1


def test_a_connection_that_dies_before_the_commit_books_nothing_and_the_next_try_everything(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    chips = register(gateway.world, ["a", "b"])
    nonce = gateway.nonce()
    envelope = gateway.envelope([gateway.ask(chip, nonce) for chip in chips], nonce=nonce)

    def kill_own_server_process(*_: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with monkeypatch.context() as patch:
        patch.setattr("ledger.door.append_pending", kill_own_server_process)
        (died,) = submit_at_once([envelope])
    assert isinstance(died, OperationalError | InterfaceError), died
    assert not Sighting.objects.exists()
    assert not UsedNonce.objects.exists()
    assert gateway.world.send(envelope).verdict["accepted"] == 2
    assert Sighting.objects.count() == 2


def test_a_clone_that_files_while_the_chip_moves_is_judged_on_where_it_is_then(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for the row of a sighting whose site changes meanwhile: the row must not be lost to it."""
    (chip,) = register(gateway.world, ["a"])
    for _ in range(3):
        gateway.collect([chip])
    here = Gateway(gateway.world, gateway.world.operator, "dc-2", gateway.chain)
    nonce = here.nonce()
    moved = here.envelope([here.ask(chip, nonce)], nonce=nonce)
    far = Gateway(gateway.world, gateway.world.second_operator, "dc-3", gateway.chain)
    nonce = far.nonce()
    clone = far.envelope([far.ask(chip, nonce, seq=1, prev=None)], nonce=nonce)
    is_booked, may_commit = threading.Event(), threading.Event()
    append = door.append_pending

    def hold_until_told(paper: door.Paper, statement: Statement) -> None:
        append(paper, statement)
        if paper.raw == moved:
            is_booked.set()
            assert may_commit.wait(20)

    monkeypatch.setattr("ledger.door.append_pending", hold_until_told)
    outcomes: dict[str, door.Outcome | Exception] = {}

    def file(name: str, raw: bytes) -> None:
        try:
            outcomes[name] = door.submit(raw)
        except Exception as failure:  # the test looks at whatever came
            outcomes[name] = failure
        finally:
            connection.close()

    threads = [threading.Thread(target=file, args=each) for each in (("moved", moved), ("clone", clone))]
    threads[0].start()
    assert is_booked.wait(20)
    threads[1].start()
    wait_until_somebody_waits_for_a_row()
    may_commit.set()
    for thread in threads:
        thread.join()
    signs = Conflict.objects.filter(site__code="dc-3").values_list("sign", "other_site__code")
    assert set(signs) == {("sequence_fork", "dc-2"), ("two_places", "dc-2")}, outcomes
    assert Sighting.objects.values_list("site__code", "seq").get() == ("dc-2", 4)


def wait_until_somebody_waits_for_a_row() -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone() != (0,):
                return
        time.sleep(0.02)
    raise AssertionError("nobody waits")
