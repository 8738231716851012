"""Deliveries: signed, at least once, tried again for three days, and each by one worker."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from audits.actions.sweeps import sweep
from chipledger import clock
from ledger import door
from ledger.models import Statement
from notices.actions import delivering
from notices.actions import webhooks as deeds
from notices.actions.delivering import deliver_waiting
from notices.actions.watch import look
from notices.models import (
    Delivery,
    DeliveryState,
    Kind,
    Notice,
    Webhook,
    WebhookDeed,
    WebhookEvent,
)
from notices.rules import JITTER, LEASE, WEBHOOK_RETRIES, deliver_again_after
from registry.access import Reader, reader_for
from registry.models import Role
from tests.integration.api.caller import Caller
from tests.integration.attestations.gateway import StandingClock
from tests.integration.notices.receiver import Receiver, listening, status, verifies
from tests.integration.notices.scenes import announce, send, told
from tests.people import person_of
from tests.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("to_loopback")]

DISPATCHED = [Kind.TRANSFER_DISPATCHED]


def add(
    receiver: Receiver, by: Reader, kinds: list[Kind] = DISPATCHED, label: str = "Warehouse"
) -> tuple[Webhook, str]:
    return deeds.add_webhook(label=label, url=receiver.url, kinds=kinds, by=by, at=clock.now())


def delivery_of(kind: str = Kind.TRANSFER_DISPATCHED) -> Delivery:
    return Delivery.objects.get(kind=kind)


def test_an_event_is_thin_signed_and_delivered_once(watched: World, administrator: Reader) -> None:
    with listening() as receiver:
        _, secret = add(receiver, administrator)
        digest = announce(watched, ("SECRET-1", "SECRET-2"))
        assert deliver_waiting() == 1
        assert deliver_waiting() == 0
    (received,) = receiver.received
    assert verifies(received, secret)
    assert not verifies(received, "whsec_" + "A" * 43 + "=")
    event = json.loads(received.body)
    address = event["data"].pop("address")
    notice = Notice.objects.get(kind=Kind.TRANSFER_DISPATCHED)
    assert event == {
        "type": "transfer.dispatched",
        "timestamp": notice.happened_at.isoformat().replace("+00:00", "Z"),
        "data": {
            "id": notice.pk,
            "organisation": "operator-a",
            "severity": None,
            "subject": {"type": "transfer", "id": digest},
        },
    }
    for confidential in (b"SECRET", b"maker", b"dc-1"):
        assert confidential not in received.body
    path = address.removeprefix("http://localhost:8000/api/v1")
    assert Caller(watched.operator).get(path).json()["quantity"] == 2
    kept = delivery_of()
    assert (kept.state, kept.status, kept.attempts) == (DeliveryState.DELIVERED, 204, 1)
    assert kept.body.encode() == received.body
    assert received.headers["webhook-signature"] == kept.signature
    assert received.headers["webhook-id"] == f"msg_{kept.uid.hex}"
    assert received.headers["webhook-timestamp"].isdecimal()
    assert received.headers["content-type"] == "application/json"


def test_each_kind_of_subject_has_an_address_that_answers(watched: World, administrator: Reader) -> None:
    with listening() as receiver:
        add(receiver, administrator, list(Kind))
        send(watched)
        sweep(at=door.now())
        person_of(watched.operator, Role.VIEWER)
        look(at=door.now())
        deliver_waiting()
    events = [json.loads(each.body) for each in receiver.received]
    kinds = {each["data"]["subject"]["type"] for each in events}
    assert {"transfer", "finding", "membership", "webhook"} <= kinds
    caller = Caller(watched.operator)
    for event in events:
        path = event["data"]["address"].removeprefix("http://localhost:8000/api/v1")
        assert caller.get(path).status_code == 200, event


def test_only_the_chosen_kinds_go_out_and_only_to_ones_own_webhooks(
    watched: World, administrator: Reader
) -> None:
    other = reader_for(
        watched.second_operator.organisation,
        role=Role.ADMINISTRATOR,
        person=person_of(watched.second_operator),
    )
    with listening() as ours, listening() as strangers:
        add(ours, administrator, [Kind.FINDING_DECIDED])
        add(strangers, other, DISPATCHED)
        announce(watched)
        assert deliver_waiting() == 0
    assert not Delivery.objects.exists()


def test_a_watch_that_looks_twice_lays_out_each_delivery_once(watched: World, administrator: Reader) -> None:
    with listening() as receiver:
        add(receiver, administrator)
        add(receiver, administrator, label="Second")
        announce(watched)
        look(at=door.now())
    assert Counter(Delivery.objects.values_list("webhook__label", flat=True)) == {"Warehouse": 1, "Second": 1}


def test_what_fails_is_sent_again_under_the_same_name_until_it_is_taken(
    standing: StandingClock, watched: World, administrator: Reader
) -> None:
    with listening(status(500, b"broken"), status(503), status(200)) as receiver:
        _, secret = add(receiver, administrator)
        announce(watched)
        deliver_waiting()
        kept = delivery_of()
        assert (kept.state, kept.status, kept.response) == (DeliveryState.WAITING, 500, "broken")
        assert kept.error == "The receiver answered 500; a delivery counts when the answer is 200 to 299."
        assert deliver_waiting() == 0
        standing.at += timedelta(seconds=6)
        deliver_waiting()
        standing.at += timedelta(minutes=6)
        deliver_waiting()
    kept = delivery_of()
    assert (kept.state, kept.attempts, kept.error) == (DeliveryState.DELIVERED, 3, "")
    assert len(set(receiver.ids())) == 1
    assert len({each.headers["webhook-timestamp"] for each in receiver.received}) == 3
    assert all(verifies(each, secret) for each in receiver.received)


def test_the_schedule_is_that_of_standard_webhooks_with_some_chance() -> None:
    assert sum(WEBHOOK_RETRIES, timedelta()) == timedelta(hours=75, minutes=35, seconds=5)
    for attempts, wait in enumerate(WEBHOOK_RETRIES, 1):
        drawn = {deliver_again_after(attempts) for _ in range(50)}
        assert len(drawn) > 1
        assert all(each and wait <= each <= wait * (1 + JITTER) for each in drawn)
    assert deliver_again_after(len(WEBHOOK_RETRIES) + 1) is None


def exhaust(standing: StandingClock) -> None:
    """Let all attempts go by."""
    for wait in (*WEBHOOK_RETRIES, timedelta(0)):
        deliver_waiting()
        standing.at += wait * 1.2


def test_a_receiver_that_fails_for_three_days_is_switched_off_and_its_administrators_told(
    standing: StandingClock, watched: World, administrator: Reader
) -> None:
    with listening(status(500)) as receiver:
        webhook, _ = add(receiver, administrator)
        announce(watched)
        exhaust(standing)
        assert len(receiver.received) == len(WEBHOOK_RETRIES) + 1
        kept = delivery_of()
        assert kept.state == DeliveryState.FAILED
        webhook.refresh_from_db()
        assert webhook.disabled_at is not None
        assert told(watched.operator).count(Kind.WEBHOOK_STOPPED) == 1
        assert told(watched.maker).count(Kind.WEBHOOK_STOPPED) == 0
        announce(watched, ("N3",))
        assert deliver_waiting() == 0
    assert WebhookEvent.objects.filter(deed=WebhookDeed.FAILED, by="").count() == 1


def test_an_event_that_fails_while_others_get_through_does_not_stop_the_webhook(
    standing: StandingClock, watched: World, administrator: Reader
) -> None:
    with listening(status(500)) as receiver:
        webhook, _ = add(receiver, administrator)
        announce(watched)
        for wait in WEBHOOK_RETRIES:
            deliver_waiting()
            standing.at += wait * 1.2
        announce(watched, ("N3",))
        receiver.answers[:] = [status(204)]
        newest = Delivery.objects.latest("pk")
        Delivery.objects.exclude(pk=newest.pk).update(next_attempt_at=standing.at + timedelta(hours=1))
        deliver_waiting()
        receiver.answers[:] = [status(500)]
        standing.at += timedelta(hours=2)
        deliver_waiting()
    assert Delivery.objects.earliest("pk").state == DeliveryState.FAILED
    webhook.refresh_from_db()
    assert webhook.disabled_at is None


def test_a_receiver_that_is_gone_is_switched_off_at_once_and_what_waits_is_called_off(
    watched: World, administrator: Reader
) -> None:
    with listening(status(410)) as receiver:
        webhook, _ = add(receiver, administrator)
        announce(watched)
        announce(watched, ("N3",))
        later = Delivery.objects.latest("pk")
        Delivery.objects.filter(pk=later.pk).update(next_attempt_at=door.now() + timedelta(hours=1))
        deliver_waiting()
    assert len(receiver.received) == 1
    assert [*Delivery.objects.order_by("pk").values_list("state", flat=True)] == [
        DeliveryState.FAILED,
        DeliveryState.DROPPED,
    ]
    webhook.refresh_from_db()
    assert webhook.disabled_at is not None
    assert Kind.WEBHOOK_STOPPED in told(watched.operator)


def test_for_a_day_after_a_rotation_both_secrets_sign(
    standing: StandingClock, watched: World, administrator: Reader
) -> None:
    with listening() as receiver:
        webhook, first = add(receiver, administrator)
        second = deeds.rotate_secret(webhook, by=administrator, at=clock.now())
        announce(watched)
        standing.at += timedelta(hours=23)
        deliver_waiting()
        standing.at += timedelta(hours=2)
        announce(watched, ("N3",))
        deliver_waiting()
        third = deeds.rotate_secret(webhook, by=administrator, at=clock.now())
        fourth = deeds.rotate_secret(webhook, by=administrator, at=clock.now())
        announce(watched, ("N4",))
        deliver_waiting()
    verified = [
        [verifies(each, secret) for secret in (first, second, third, fourth)] for each in receiver.received
    ]
    assert verified == [
        [True, True, False, False],
        [False, True, False, False],
        [False, False, True, True],
    ]


def test_a_secret_is_sealed_at_rest_and_outlives_a_change_of_the_houses_own(
    watched: World, administrator: Reader, settings: Any
) -> None:
    with listening() as receiver:
        webhook, secret = add(receiver, administrator)
        kept = Webhook.objects.values_list("sealed_secret", flat=True).get()
        assert secret.removeprefix("whsec_") not in kept
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another one of the house, after a change"
        announce(watched)
        deliver_waiting()
        assert verifies(receiver.received[0], secret)
        settings.SECRET_KEY_FALLBACKS = []
        announce(watched, ("N3",))
        deliver_waiting()
        assert len(receiver.received) == 1
        assert "rotate the signing secret" in Delivery.objects.latest("pk").error
        deeds.rotate_secret(webhook, by=administrator, at=clock.now())


def test_what_went_out_of_sight_is_not_sent(watched: World, administrator: Reader) -> None:
    with listening() as receiver:
        add(receiver, administrator)
        announce(watched)
        Notice.objects.filter(kind=Kind.TRANSFER_DISPATCHED).update(
            organisation=watched.second_operator.organisation
        )
        deliver_waiting()
        assert receiver.received == []
    assert delivery_of().state == DeliveryState.DROPPED


def test_a_worker_that_dies_between_posting_and_noting_posts_again_under_the_same_name(
    standing: StandingClock, watched: World, administrator: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> None:
        raise SystemExit

    with listening() as receiver:
        add(receiver, administrator)
        announce(watched)
        with monkeypatch.context() as patch:
            patch.setattr(delivering, "_record", die)
            with pytest.raises(SystemExit):
                deliver_waiting()
        assert deliver_waiting() == 0
        standing.at += LEASE
        assert deliver_waiting() == 1
    assert len(receiver.received) == 2
    assert len(set(receiver.ids())) == 1
    assert delivery_of().state == DeliveryState.DELIVERED


def test_a_receiver_that_hangs_keeps_no_other_waiting(
    watched: World, administrator: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one webhook a few are taken at once, however many wait, and so others are in the same batch."""
    with listening() as slow, listening() as quick:
        add(slow, administrator)
        announce(watched, ("N0",))
        many = Webhook.objects.get()
        notices = Notice.objects.bulk_create(
            Notice(
                organisation=administrator.organisation,
                kind=Kind.KEYS_CHANGED,
                fact=f"t:{number}",
                statement=Statement.objects.earliest("pk"),
                happened_at=door.now(),
                made_at=door.now(),
            )
            for number in range(100)
        )
        Delivery.objects.bulk_create(
            Delivery(
                webhook=many,
                notice=notice,
                kind=notice.kind,
                made_at=door.now(),
                next_attempt_at=door.now() - timedelta(hours=1),
            )
            for notice in notices
        )
        add(quick, administrator, label="Quick")
        announce(watched, ("N1",))
        monkeypatch.setattr(delivering, "BATCHES", 1)
        deliver_waiting()
        assert len(quick.received) == 1
        assert len(slow.received) == delivering.OF_EACH


def test_a_deletion_takes_the_secrets_and_keeps_the_name_for_notices(
    watched: World, administrator: Reader
) -> None:
    with listening() as receiver:
        webhook, _ = add(receiver, administrator)
        announce(watched)
        deeds.delete_webhook(webhook, by=administrator, at=clock.now())
        assert deliver_waiting() == 0
    webhook.refresh_from_db()
    assert (webhook.sealed_secret, webhook.sealed_previous) == ("", "")
    assert told(watched.operator).count(Kind.WEBHOOKS_CHANGED) == 2
