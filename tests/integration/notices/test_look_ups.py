"""A name service that hangs holds nothing up: neither a delivery, nor a page, nor the end of a process."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from chipledger import clock
from chipledger.refusals import Refused
from config.embedded.plan import CHECKOUT
from notices import posting, reach
from notices.actions.delivering import deliver_waiting
from notices.models import Delivery, DeliveryState, Webhook
from notices.posting import post
from notices.reach import addresses_of, parse_url
from registry.access import Reader
from tests.integration.notices.receiver import listening
from tests.integration.notices.scenes import announce
from tests.integration.notices.test_deliveries import add
from tests.world import World

TARGET = parse_url("https://hooks.example/x")


@pytest.fixture
def hangs(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A name service that says nothing of `hooks.example` until the event is set; then, that nobody knows it."""
    real, answers = socket.getaddrinfo, threading.Event()

    def ask(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host != "hooks.example":
            return real(host, port, *args, **kwargs)
        assert answers.wait(60)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    yield answers
    answers.set()
    for each in look_ups():
        each.join(30)


def look_ups() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "look-up of hooks.example"]


def refused_within(seconds: float) -> tuple[Refused, float]:
    began = time.monotonic()
    with pytest.raises(Refused) as raised:
        addresses_of(TARGET, within=seconds)
    return raised.value, time.monotonic() - began


def test_a_look_up_that_hangs_is_left_in_time(hangs: threading.Event) -> None:
    refused, took = refused_within(0.3)
    assert refused.code == "name_service_slow"
    assert "did not say within 0.3 seconds where hooks.example is. Try again in a minute" in refused.sentence
    assert 0.25 < took < 2
    assert len(look_ups()) == 1


def test_an_attempt_keeps_its_deadline_while_the_look_up_hangs(hangs: threading.Event) -> None:
    outcome = post(TARGET, {}, b"{}", patience=0.3)
    assert outcome.error.startswith("The name service did not say within 0.")
    assert 250 < outcome.duration_ms < 2000


def test_look_ups_that_hang_do_not_pile_up(hangs: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "_places", threading.BoundedSemaphore(2))
    for _ in range(4):
        refused, took = refused_within(0.1)
        assert (refused.code, took < 2) == ("name_service_slow", True)
    assert len(look_ups()) == 2
    hangs.set()
    assert refused_within(30)[0].code == "host_unknown"
    for each in look_ups():
        each.join(30)
    assert addresses_of(parse_url("https://1.1.1.1/")) == ["1.1.1.1"]


@pytest.mark.django_db
@pytest.mark.usefixtures("to_loopback")
def test_a_host_whose_look_up_hangs_keeps_no_other_delivery_waiting(
    hangs: threading.Event, watched: World, administrator: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "LOOKUP_SECONDS", 0.5)
    with listening() as receiver:
        add(receiver, administrator, label="Lost")
        Webhook.objects.update(url=TARGET.url)
        add(receiver, administrator, label="Quick")
        announce(watched)
        began = time.monotonic()
        assert deliver_waiting() == 2
        assert time.monotonic() - began < 5
        assert len(receiver.received) == 1
    lost = Delivery.objects.get(webhook__label="Lost")
    assert lost.state == DeliveryState.WAITING
    assert lost.next_attempt_at is not None
    assert lost.next_attempt_at <= clock.now() + timedelta(seconds=6)
    assert "The name service did not say" in lost.error
    assert Delivery.objects.get(webhook__label="Quick").state == DeliveryState.DELIVERED


HANGING = """
import socket, threading
socket.getaddrinfo = lambda *args, **kwargs: threading.Event().wait()
from chipledger.refusals import Refused
from notices.reach import Target, addresses_of
try:
    addresses_of(Target("https://hooks.example/", "https", "hooks.example", 443), within=0.1)
except Refused as refused:
    print(refused.code)
"""


def test_a_process_ends_while_a_look_up_of_its_hangs() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGING], cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "name_service_slow\n"


def test_a_look_up_for_which_the_machine_has_no_thread_gives_its_place_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(reach, "_places", threading.BoundedSemaphore(1))
    monkeypatch.setattr(threading.Thread, "start", start)
    for _ in range(2):
        refused, took = refused_within(5)
        assert (refused.code, took < 2) == ("name_service_slow", True)
