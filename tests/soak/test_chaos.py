"""The long form of chaos: several long registrations one after the other, and something dies every few seconds."""

from __future__ import annotations

import os
import time

import pytest

from tests.chaos import Client, Killer, check_nothing_lost, newest_checkpoint, register, wait_for_job
from tests.house import House

SECONDS = float(os.environ.get("SOAK_SECONDS", "120"))
SEEDS = [int(seed) for seed in os.environ.get("SOAK_SEEDS", "1 2").split()]
ROWS = 100_000
#: What dies how often; the guardian gives up on a PostgreSQL that dies more than five times a minute.
VICTIMS = {"worker": 4, "worker_child": 4, "integrator": 3, "web_worker": 4, "postmaster": 2}


@pytest.mark.parametrize("seed", SEEDS)
def test_minutes_of_killing_lose_nothing_and_book_nothing_twice(house: House, seed: int) -> None:
    maker, operator = house.members["maker-h"], house.members["operator-h"]
    house.wait_until_logged()
    before = newest_checkpoint(house)
    clients = [Client(house, operator, f"dc-o{number}") for number in range(3)]
    for client in clients:
        client.start()
    killer = Killer(house, seed)
    batches = [register(house, maker, "C0-", ROWS)]
    end = time.monotonic() + SECONDS
    victims = killer.chance.sample(list(VICTIMS), len(VICTIMS))  # each once, then as chance will have it
    while victims or time.monotonic() < end:
        what = victims.pop() if victims else killer.chance.choices(list(VICTIMS), list(VICTIMS.values()))[0]
        killer.kill(what)
        killer.pause(6.0)
        if wait_for_job(house, batches[-1].job, ("queued", "running", "succeeded")) == "succeeded":
            batches.append(register(house, maker, f"C{len(batches)}-", ROWS))
    for batch in batches:
        assert wait_for_job(house, batch.job, ("succeeded", "failed", "cancelled")) == "succeeded"
    for client in clients:
        client.stopping.set()
    for client in clients:
        client.join(120)
    assert [client.refused for client in clients] == [[]] * len(clients)
    check_nothing_lost(house, clients, batches, before)
    house.processes.check()
