"""A receiver that asks for a pause (`Retry-After`) gets it, within reason, and the pages say so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from django.test import Client
from django.urls import reverse

from chipledger import clock
from notices.actions import delivering
from notices.actions import webhooks as deeds
from notices.actions.delivering import deliver_waiting
from notices.models import Delivery, DeliveryState
from notices.posting import MOST_ASKED, pause_asked_for
from notices.rules import JITTER, LONGEST_WAIT, WEBHOOK_RETRIES, deliver_again_after
from registry.access import Reader
from tests.integration.attestations.gateway import StandingClock
from tests.integration.notices.receiver import Answer, listening, status
from tests.integration.notices.scenes import announce
from tests.integration.notices.test_deliveries import add, delivery_of
from tests.people import browse_as, prove
from tests.world import World

AT = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
NONE = timedelta(0)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
UNDERSTOOD = [
    ("0", NONE),
    ("1", timedelta(seconds=1)),
    ("120", timedelta(seconds=120)),
    ("0120", timedelta(seconds=120)),
    (" 120 ", timedelta(seconds=120)),
    ("9" * 30, MOST_ASKED),
    ("9" * 8000, MOST_ASKED),
    # The three forms of a date (RFC 9110, 5.6.7)
    ("Mon, 05 Jan 2026 09:02:00 GMT", timedelta(seconds=120)),
    ("Monday, 05-Jan-26 09:02:00 GMT", timedelta(seconds=120)),
    ("Mon Jan  5 09:02:00 2026", timedelta(seconds=120)),
    ("Mon, 05 Jan 2026 08:59:59 GMT", NONE),
    ("Thu, 01 Jan 1970 00:00:00 GMT", NONE),
    ("Fri, 31 Dec 9999 23:59:59 GMT", MOST_ASKED),
]
GARBAGE = [
    *("", "soon", "-5", "+5", "1.5", "1e3", "0x10", "5 s", "120, 240", "120;", "\xb2", "\xb9\xb2\xb0", "12\x000"),
    *("Mon, 32 Jan 2026 09:02:00 GMT", "Mon, 05 Jan 2026 25:02:00 GMT", "2026-01-05T09:02:00Z", "Mon, 05 Jan"),
]  # fmt: skip


def asked(value: str, code: int = 429, *, times: int = 1) -> timedelta:
    return pause_asked_for(code, [(b"Retry-After", value.encode("latin-1"))] * times, at=AT)


@pytest.mark.parametrize(("value", "pause"), UNDERSTOOD, ids=lambda each: str(each)[:40])
def test_seconds_and_dates_are_understood(value: str, pause: timedelta) -> None:
    assert asked(value) == asked(value, 503) == pause


@pytest.mark.parametrize("value", GARBAGE)
def test_what_is_neither_is_ignored(value: str) -> None:
    assert asked(value) == NONE


@pytest.mark.parametrize("code", [200, 204, 301, 400, 404, 410, 500, 502, 504])
def test_other_answers_ask_for_nothing(code: int) -> None:
    assert asked("120", code) == NONE


def test_two_wishes_are_none() -> None:
    assert asked("120", times=2) == NONE
    assert pause_asked_for(503, [], at=AT) == NONE


@pytest.mark.parametrize(
    ("attempts", "pause", "expected"),
    [
        (1, NONE, WEBHOOK_RETRIES[0]),
        (1, timedelta(seconds=3), WEBHOOK_RETRIES[0]),
        (1, HOUR, HOUR),
        (1, DAY - HOUR, DAY - HOUR),
        (4, HOUR, WEBHOOK_RETRIES[3]),
        (1, 3 * DAY, LONGEST_WAIT),
        (9, MOST_ASKED, LONGEST_WAIT),
    ],
)
def test_the_longer_of_schedule_and_wish_holds_up_to_the_longest_wait(
    attempts: int, pause: timedelta, expected: timedelta
) -> None:
    drawn = [deliver_again_after(attempts, asked=pause) for _ in range(50)]
    most = max(WEBHOOK_RETRIES[attempts - 1] * (1 + JITTER), min(expected * (1 + JITTER), LONGEST_WAIT))
    assert all(each and expected <= each <= most for each in drawn)
    assert len(set(drawn)) > 1 or drawn[0] == LONGEST_WAIT


def test_no_wish_gives_an_eleventh_attempt() -> None:
    assert LONGEST_WAIT == DAY
    assert deliver_again_after(len(WEBHOOK_RETRIES) + 1, asked=HOUR) is None


@pytest.fixture
def boss(administrator: Reader) -> Client:
    assert administrator.person is not None
    return prove(browse_as(administrator.person))


def in_an_hour() -> str:
    return format_datetime(datetime.now(UTC) + HOUR, usegmt=True)


@pytest.mark.django_db
@pytest.mark.usefixtures("to_loopback")
@pytest.mark.parametrize(("code", "wish"), [(429, lambda: "3600"), (503, lambda: "3600"), (429, in_an_hour)])
def test_the_next_attempt_is_no_earlier_than_the_receiver_asked(
    code: int, wish: Callable[[], str], standing: StandingClock, watched: World, administrator: Reader
) -> None:
    with listening(status(code, **{"Retry-After": wish()}), status(204)) as receiver:
        add(receiver, administrator)
        announce(watched)
        deliver_waiting()
        kept = delivery_of()
        assert kept.asked_seconds is not None
        assert 3590 <= kept.asked_seconds <= 3600
        standing.at += timedelta(minutes=59)
        assert deliver_waiting() == 0
        standing.at += timedelta(minutes=8)
        assert deliver_waiting() == 1
    kept = delivery_of()
    assert (kept.state, kept.asked_seconds) == (DeliveryState.DELIVERED, None)


@pytest.mark.django_db
@pytest.mark.usefixtures("to_loopback")
@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (status(429, **{"Retry-After": "3600"}), "The receiver asked for a pause of 3,600 seconds (Retry-After)."),
        (
            status(503, **{"Retry-After": "172800"}),
            "The receiver asked for a pause of 172,800 seconds (Retry-After); it gets about a day.",
        ),
        (status(429, **{"Retry-After": "2"}), "Attempt 1 of 10 failed; the wait after each is longer."),
        (status(500, **{"Retry-After": "3600"}), "Attempt 1 of 10 failed; the wait after each is longer."),
    ],
)  # fmt: skip
def test_the_pages_say_when_the_next_attempt_is_due_and_why(
    answer: Answer, why: str, watched: World, administrator: Reader, boss: Client
) -> None:
    with listening(answer) as receiver:
        webhook, _ = add(receiver, administrator)
        test = deeds.send_test(webhook, by=administrator, at=clock.now())
        page = reverse("delivery", args=[test.uid])
        assert "It goes out with the next run, within seconds." in boss.get(page).content.decode()
        deliver_waiting()
    test.refresh_from_db()
    assert test.next_attempt_at is not None
    shown = boss.get(page).content.decode()
    assert why in shown
    assert f"{test.next_attempt_at:%Y-%m-%d %H:%M} UTC" in shown
    is_as_asked = why.startswith("The receiver asked")
    listed = boss.get(reverse("deliveries"))
    assert ("as the receiver asked" in listed.content.decode()) == is_as_asked
    exported = b"".join(boss.get(reverse("deliveries"), {"format": "csv"}).streaming_content).decode()
    assert "next_attempt_at,asked_seconds" in exported
    assert f",{test.asked_seconds or ''}\r\n" in exported


@pytest.mark.django_db
@pytest.mark.usefixtures("to_loopback")
def test_while_an_attempt_is_made_the_page_says_so_and_no_earlier_wish(
    standing: StandingClock, watched: World, administrator: Reader, boss: Client
) -> None:
    with listening(status(429, **{"Retry-After": "3600"})) as receiver:
        webhook, _ = add(receiver, administrator)
        test = deeds.send_test(webhook, by=administrator, at=clock.now())
        deliver_waiting()
        standing.at += 2 * HOUR
        delivering._claim(at=standing.at)
    shown = boss.get(reverse("delivery", args=[test.uid])).content.decode()
    assert "An attempt is being made. Should nobody note how it ended, another one follows then." in shown
    assert "as the receiver asked" not in boss.get(reverse("deliveries")).content.decode()
    deeds.disable_webhook(webhook, by=administrator, at=clock.now())
    assert Delivery.objects.get().asked_seconds is None
