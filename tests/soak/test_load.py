"""The long form of load: a full manifest and many small papers at once, and nobody dies, waits in vain or grows."""

from __future__ import annotations

import os
import time

from tests.chaos import Client, check_nothing_lost, newest_checkpoint, register, wait_for_job
from tests.house import House

SECONDS = float(os.environ.get("SOAK_SECONDS", "120"))
ROWS = int(os.environ.get("SOAK_ROWS", "1000000"))
CLIENTS = 4
MOST_MB = 400


def test_minutes_of_load_leave_every_process_small_and_every_paper_booked(house: House) -> None:
    maker, operator = house.members["maker-h"], house.members["operator-h"]
    house.wait_until_logged()
    before = newest_checkpoint(house)
    clients = [Client(house, operator, f"dc-l{number}") for number in range(CLIENTS)]
    for client in clients:
        client.start()
    end = time.monotonic() + SECONDS
    batches = [register(house, maker, "L0-", ROWS)]
    while time.monotonic() < end:
        time.sleep(1)
        house.processes.check()
    while (state := wait_for_job(house, batches[0].job, ("queued", "running", "succeeded", "failed"))) in (
        "queued",
        "running",
    ):
        time.sleep(1)
    assert state == "succeeded"
    for client in clients:
        client.stopping.set()
    for client in clients:
        client.join(120)
    assert [(client.refused, client.troubles) for client in clients] == [([], 0)] * CLIENTS
    peaks = house.processes.peak_mb()
    assert max(peaks.values()) < MOST_MB, peaks
    check_nothing_lost(house, clients, batches, before)
