"""The door under real parallel transactions: one order for everybody, nothing twice, no deadlock for the caller."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from django.db import connection, transaction

from chipledger.dsse import sign_payload
from chipledger.keys import Algorithm, PrivateKey
from chipledger.refusals import Refused
from chipledger.statements.common import KeyGrant
from chipledger.statements.ledger import KeyRevoked
from chipledger.statements.registry import SiteDeclared
from ledger import door, integrator
from ledger.models import Entry, PendingEntry, Statement
from registry.models import Site
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)
R = TypeVar("R")
THREADS = 8
REVOKED_AND_SIGNED = {("accepted", "accepted"), ("accepted", "key_revoked")}


def at_once(actions: Sequence[Callable[[], R]]) -> list[R | Refused]:
    """Run actions in threads of their own that start together, each with its own connection; their results."""
    start = threading.Barrier(len(actions))

    def run(action: Callable[[], R]) -> R | Refused:
        try:
            start.wait(20)
            return action()
        except Refused as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(len(actions)) as pool:
        return [each.result() for each in [pool.submit(run, action) for action in actions]]


def site(world: World, code: str) -> bytes:
    return world.envelope(SiteDeclared, by=world.operator, **a_site(code))


def state_of(outcome: object) -> str:
    return outcome.code if isinstance(outcome, Refused) else "accepted"


def test_eight_copies_of_one_envelope_at_once_are_one_statement(world: World) -> None:
    raw = site(world, "dc-9")
    before = Statement.objects.count()
    outcomes = at_once([lambda: door.submit(raw)] * THREADS)
    accepted = [each for each in outcomes if isinstance(each, door.Outcome)]
    assert len(accepted) == THREADS, outcomes
    assert [each.known for each in accepted].count(False) == 1
    assert Statement.objects.count() == before + 1
    assert Site.objects.filter(code="dc-9").count() == 1
    assert PendingEntry.objects.filter(statement__digest=accepted[0].digest).count() == 1


def test_one_statement_with_other_signatures_is_still_one(world: World) -> None:
    raw = site(world, "dc-9")
    paper = door.read(raw)
    again = sign_payload(paper.envelope.payload, [world.operator.key]).to_json()
    assert again != raw
    assert door.read(again).envelope.digest == paper.envelope.digest
    outcomes = at_once([lambda: door.submit(raw), lambda: door.submit(again)] * 4)
    assert {state_of(each) for each in outcomes} == {"accepted"}
    assert Statement.objects.filter(digest=paper.envelope.digest).count() == 1


@pytest.mark.parametrize("turn", range(6))
def test_a_key_revoked_in_the_instant_it_signs_signed_before_or_not_at_all(world: World, turn: int) -> None:
    second = PrivateKey.generate(Algorithm.P256)
    grant = KeyGrant(spki=second.public.base64, purpose="statement", role="signatory")
    world.add_key(world.operator, grant, also=[second])
    signing = world.envelope(SiteDeclared, by=world.operator, key=second, **a_site("dc-9"))
    revoking = world.envelope_of(
        KeyRevoked, by=world.operator, fields={"key": second.public.key_id, "reason": "lost"}
    )
    actions = [lambda: door.submit(revoking), lambda: door.submit(signing)]
    outcomes = at_once(actions[:: 1 if turn % 2 else -1])[:: 1 if turn % 2 else -1]
    revoked, signed = map(state_of, outcomes)
    assert (revoked, signed) in REVOKED_AND_SIGNED
    if signed == "accepted":
        while integrator.integrate():
            pass
        logged = Entry.objects.values_list("statement__digest", "position")
        places = {bytes(digest): place for digest, place in logged}
        assert places[door.read(signing).envelope.digest] < places[door.read(revoking).envelope.digest]
    else:
        assert not Site.objects.filter(code="dc-9").exists()


def test_batches_that_lock_each_other_out_are_all_booked(world: World) -> None:
    codes = [f"dc-x{number}" for number in range(6)]
    raws = [site(world, code) for code in codes]
    before = Statement.objects.count()
    outcomes = at_once(
        [
            lambda: door.submit_many(raws, atomic=True),
            lambda: door.submit_many(raws[::-1], atomic=True),
            lambda: door.submit_many(raws[3:] + raws[:3], atomic=False),
        ]
    )
    assert [state_of(each) for each in outcomes] == ["accepted"] * 3
    assert Statement.objects.count() == before + len(codes)
    assert Site.objects.filter(code__in=codes).count() == len(codes)


def test_a_deadlock_that_is_broken_at_the_batchs_cost_is_tried_again(world: World) -> None:
    one, two = site(world, "dc-x1"), site(world, "dc-x2")
    first, second = (door.read(raw).envelope.digest for raw in (one, two))
    holds_second = threading.Event()

    def stand_in_the_way() -> str:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL deadlock_timeout = '1min'")  # so that the other side is the victim
            door.queue_behind_the_same(second)
            holds_second.set()
            door.queue_behind_the_same(first)
        return "passed"

    def file_both() -> list[door.Outcome | Refused]:
        assert holds_second.wait(20)
        return door.submit_many([one, two], atomic=True)

    passed, outcomes = at_once([stand_in_the_way, file_both])
    assert passed == "passed"
    assert isinstance(outcomes, list)
    assert [state_of(each) for each in outcomes] == ["accepted", "accepted"]
    assert Site.objects.filter(code__in=["dc-x1", "dc-x2"]).count() == 2


def test_two_integrators_at_once_give_each_statement_one_place(world: World) -> None:
    for number in range(20):
        door.submit(site(world, f"dc-y{number}"))

    def integrate() -> int:
        try:
            return integrator.integrate()
        except integrator.NotAlone:
            return 0

    at_once([integrate] * 4)
    while integrator.integrate():
        pass
    positions = list(Entry.objects.order_by("position").values_list("position", flat=True))
    assert positions == list(range(Statement.objects.count()))
    assert not PendingEntry.objects.exists()


def a_site(code: str) -> dict[str, Any]:
    return {
        "code": code,
        "name": code,
        "country": "US",
        "latitude_e7": 325_000_000,
        "longitude_e7": -998_000_000,
        "power_kw": 1000,
        "slots": 1000,
    }
