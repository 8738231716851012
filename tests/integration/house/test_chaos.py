"""The short form of chaos: one of everything dies while statements are filed and a long registration is booked."""

from __future__ import annotations

from tests.chaos import (
    Client,
    Killer,
    check_nothing_lost,
    newest_checkpoint,
    postmaster,
    register,
    wait_for_job,
)
from tests.house import House, eventually

SEED = 20_260_131
ROWS = 50_000


def test_whatever_is_killed_nothing_acknowledged_is_lost_or_booked_twice(house: House) -> None:
    maker, operator = house.members["maker-h"], house.members["operator-h"]
    house.wait_until_logged()
    before = newest_checkpoint(house)
    clients = [Client(house, operator, f"dc-o{number}") for number in range(2)]
    killer = Killer(house, SEED)
    for client in clients:
        client.start()
    batch = register(house, maker, "C", ROWS)
    wait_for_job(house, batch.job, ("running",))
    for what in ("worker", "worker_child", "postmaster"):
        killer.kill(what)
        wait_for_job(house, batch.job, ("running", "succeeded"))
        killer.pause(1.0)
    for what in killer.chance.sample(["integrator", "web_worker", "worker"], 3):
        killer.pause(1.5)
        killer.kill(what)
    assert wait_for_job(house, batch.job, ("succeeded", "failed", "cancelled")) == "succeeded"
    filed = [len(client.acknowledged) for client in clients]
    eventually(
        lambda: all(len(client.acknowledged) > count for client, count in zip(clients, filed, strict=True)),
        "further statements after the chaos",
    )
    for client in clients:
        client.stopping.set()
    for client in clients:
        client.join(60)
    assert [client.refused for client in clients] == [[], []]
    [(attempts,)] = house.ask("SELECT attempts FROM jobs_job WHERE id = %s", batch.job)
    assert attempts > 1, "no kill met the job"
    assert postmaster(house) != house.services.postgres_pid, "PostgreSQL was not killed"
    check_nothing_lost(house, clients, [batch], before)
    house.processes.check()
