"""Deliveries, when several processes work at once: each goes out once, and one posts at a time."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection, connections, transaction

from chipledger import clock
from ledger import door
from ledger.integrator import integrate
from notices.actions import delivering
from notices.actions.alone import alone
from notices.actions.delivering import deliver_waiting
from notices.actions.watch import look
from notices.models import (
    Delivery,
    Kind,
)
from registry.access import Reader, reader_for
from registry.models import Role
from tests.integration.notices.receiver import listening
from tests.integration.notices.scenes import announce, send
from tests.integration.notices.test_deliveries import add
from tests.people import person_of
from tests.world import World

pytestmark = pytest.mark.usefixtures("to_loopback")


def parallel_world() -> tuple[World, Reader]:
    world = World()
    world.found()
    world.populate()
    integrate()
    look(at=door.now())
    person = person_of(world.operator)
    return world, reader_for(world.operator.organisation, role=Role.ADMINISTRATOR, person=person)


@pytest.mark.django_db(transaction=True)
def test_two_workers_take_each_delivery_once() -> None:
    world, by = parallel_world()
    with listening() as receiver:
        for number in range(3):
            add(receiver, by, label=f"Receiver {number}")
        for number in range(6):
            announce(world, (f"N{number}",))
        now = clock.now()

        def claim(at: datetime) -> set[int]:
            try:
                return {each.delivery.pk for each in delivering._claim(at=at)}
            finally:
                connection.close()

        with transaction.atomic(), ThreadPoolExecutor(1) as pool:
            mine = {each.delivery.pk for each in delivering._claim(at=now)}
            theirs = pool.submit(claim, now).result(timeout=30)
        assert len(mine) == 3 * delivering.OF_EACH
        assert not mine & theirs
        Delivery.objects.update(next_attempt_at=now)

        barrier = Barrier(4)

        def work(_: int) -> int:
            try:
                barrier.wait(timeout=30)
                return deliver_waiting()
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            attempts = sum(pool.map(work, range(4)))
        attempts += deliver_waiting()
    assert attempts == 18
    assert set(Counter(receiver.ids()).values()) == {1}
    assert len(receiver.received) == 18


@pytest.mark.django_db(transaction=True)
def test_two_watches_at_once_lay_out_each_delivery_once() -> None:
    world, by = parallel_world()
    with listening() as receiver:
        add(receiver, by)
        send(world, estimated_arrival=door.now() + timedelta(days=5))
        barrier = Barrier(3)

        def work(_: int) -> None:
            try:
                barrier.wait(timeout=30)
                look(at=door.now())
            finally:
                connection.close()

        with ThreadPoolExecutor(3) as pool:
            list(pool.map(work, range(3)))
        look(at=door.now())
    assert Delivery.objects.filter(kind=Kind.TRANSFER_DISPATCHED).count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_process_posts_and_another_leaves_it_alone() -> None:
    def ask() -> bool:
        try:
            with alone("deliver") as is_ours:
                return is_ours
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with alone("deliver") as is_ours:
            assert is_ours
            assert not pool.submit(ask).result()
        assert pool.submit(ask).result()
