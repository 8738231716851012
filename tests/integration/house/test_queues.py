"""Two queues, with real workers, Redis and sockets: who waits for a slow receiver holds up no booking."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from threading import Event

import httpx

from tests.chaos import register, wait_for_job
from tests.house import House, Member, eventually, post_form
from tests.integration.notices.receiver import listening, status

RECEIVED = re.compile(r"Task (\w+)\.tasks\.(\w+)\[\S+\] received")


@contextmanager
def signed_in(house: House, member: Member) -> Iterator[httpx.Client]:
    """A browser whose person has proved just now who they are."""
    email, password = f"{member.handle}@example.org", "a long enough password"
    with httpx.Client(base_url=house.server, timeout=60, follow_redirects=True) as browser:
        post_form(browser, f"{house.server}/account/login/", {"login": email, "password": password})
        post_form(browser, f"{house.server}/account/reauthenticate/", {"password": password})
        yield browser


def tasks_in(house: House, worker: str) -> set[tuple[str, str]]:
    """Room and name of each task that a worker has taken, also before it was killed and started again."""
    logs = (house.folder / "log").glob(f"{worker}*.log")
    return {found for log in logs for found in RECEIVED.findall(log.read_text())}


def test_a_booking_runs_while_the_worker_of_notices_hangs_on_a_slow_receiver(house: House) -> None:
    maker, released = house.members["maker-h"], Event()

    def hang(handler: BaseHTTPRequestHandler) -> None:
        assert released.wait(60)
        status(204)(handler)

    with listening(hang) as receiver, signed_in(house, maker) as browser:
        hooks = f"{house.server}/webhooks/"
        made = post_form(browser, hooks, {"label": "Slow", "url": receiver.url, "kinds": "job.ended"})
        assert made.status_code == 201, made.text
        [(webhook,)] = house.ask("SELECT max(id) FROM notices_webhook")
        act = f"{hooks}{webhook}/act/"
        try:
            post_form(browser, f"{hooks}{webhook}/", {"do": "test"}, to=act)
            eventually(lambda: receiver.received, "the test event", within=15)
            batch = register(house, maker, "Q", 3)
            assert wait_for_job(house, batch.job, ("succeeded", "failed")) == "succeeded"
            state = "SELECT state, status FROM notices_delivery WHERE webhook_id = %s AND notice_id IS NULL"
            assert house.ask(state, webhook) == [("waiting", None)], "the receiver hangs no more"
            released.set()
            eventually(lambda: house.ask(state, webhook) == [("delivered", 204)], "the delivery")
        finally:
            released.set()
            post_form(browser, f"{hooks}{webhook}/", {"do": "delete"}, to=act)
    assert ("notices", "deliver") in tasks_in(house, "notices")
    assert {room for room, _ in tasks_in(house, "notices")} == {"notices"}
    assert "jobs" in {room for room, _ in tasks_in(house, "worker")}
    assert "notices" not in {room for room, _ in tasks_in(house, "worker")}
