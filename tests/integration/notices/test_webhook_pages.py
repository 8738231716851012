"""The pages of webhooks: who manages them, what is shown once, and what colleagues read."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import Error
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from chipledger import clock
from chipledger.refusals import Refused
from ledger import door
from notices.actions import webhooks as deeds
from notices.actions.delivering import deliver_waiting
from notices.events import TEST_KIND
from notices.models import Delivery, DeliveryState, Kind, Notice, Webhook, WebhookDeed, WebhookEvent
from notices.rules import MOST_WEBHOOKS
from registry.access import Reader, reader_for
from registry.models import Role
from tests.integration.notices.receiver import listening, status, verifies
from tests.integration.notices.scenes import announce
from tests.people import browse_as, person_of, prove
from tests.world import World

pytestmark = pytest.mark.django_db
SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]{44}")
URL = "https://203.0.114.7/hooks/secret-path"
SAID = {"label": "Warehouse", "url": URL, "kinds": [Kind.TRANSFER_DISPATCHED, Kind.FINDING_OPENED]}


@pytest.fixture
def boss(administrator: Reader) -> Client:
    assert administrator.person is not None
    return prove(browse_as(administrator.person))


def added(by: Reader, **fields: Any) -> Webhook:
    return deeds.add_webhook(**{**SAID, **fields}, by=by, at=clock.now())[0]


def text(answer: Any) -> str:
    return str(answer.content.decode()).partition("<main")[2]


def test_an_administrator_adds_one_and_sees_its_secret_once(boss: Client) -> None:
    answer = boss.post(reverse("webhooks"), SAID)
    assert answer.status_code == 201
    assert answer["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    (secret,) = set(SECRET.findall(text(answer)))
    webhook = Webhook.objects.get()
    assert webhook.kinds == [Kind.TRANSFER_DISPATCHED, Kind.FINDING_OPENED]
    for name, arguments in (("webhook", [webhook.pk]), ("webhooks", [])):
        page = text(boss.get(reverse(name, args=arguments)))
        assert secret not in page
        assert "Warehouse" in page


def test_adding_one_asks_for_the_password_anew(administrator: Reader) -> None:
    assert administrator.person is not None
    answer = browse_as(administrator.person).post(reverse("webhooks"), SAID)
    assert answer.status_code == 302
    assert "reauthenticate" in answer["Location"]
    assert not Webhook.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"url": "https://127.0.0.1/x"}, "which is not an address on the public internet"),
        ({"url": "https://169.254.169.254/latest"}, "which is not an address on the public internet"),
        ({"url": "http://203.0.114.7/"}, "What a webhook carries is not for everybody; use https."),
        ({"kinds": []}, "This field is required."),
        ({"kinds": ["no.such"]}, "no.such is not one of the available choices"),
        ({"label": " "}, "This field is required."),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(
    boss: Client, wrong: dict[str, Any], sentence: str
) -> None:
    answer = boss.post(reverse("webhooks"), SAID | wrong)
    assert answer.status_code == 422
    assert sentence in text(answer)
    assert not Webhook.objects.exists()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.PREPARER, Role.SIGNATORY])
def test_colleagues_see_what_leaves_the_house_and_may_change_nothing(
    watched: World, administrator: Reader, role: Role
) -> None:
    webhook = added(administrator)
    browser = browse_as(person_of(watched.operator, role))
    sentence = f"This needs the role administrator; yours is {role.label.lower()}. Ask an administrator."
    reason = f'aria-description="{sentence}"'
    listed, page = (
        text(browser.get(reverse("webhooks"))),
        text(browser.get(reverse("webhook", args=[webhook.pk]))),
    )
    assert listed.count(reason) == 1
    assert page.count(reason) == 4
    for each in (listed, page):
        assert "203.0.114.7" in each
        assert "secret-path" not in each
    for address, said in (
        (reverse("webhooks"), SAID),
        (reverse("webhook", args=[webhook.pk]), SAID),
        *((reverse("webhook-act", args=[webhook.pk]), {"do": deed}) for deed in ("test", "rotate", "delete")),
    ):
        answer = browser.post(address, said)
        assert answer.status_code == 403, address
        assert "This needs the role administrator" in answer.content.decode()
    assert WebhookEvent.objects.count() == 1


def test_for_strangers_there_is_nothing(watched: World, administrator: Reader) -> None:
    webhook = added(administrator)
    delivery = deeds.send_test(webhook, by=administrator, at=clock.now())
    stranger = prove(browse_as(person_of(watched.second_operator)))
    assert stranger.get(reverse("webhook", args=[webhook.pk])).status_code == 404
    assert stranger.get(reverse("deliveries")).context["rows"] == []
    assert stranger.get(reverse("deliveries"), {"webhook": webhook.pk}).status_code == 400
    assert stranger.get(reverse("delivery", args=[delivery.uid])).status_code == 404
    assert stranger.post(reverse("send-again", args=[delivery.uid])).status_code == 404
    assert stranger.post(reverse("webhook", args=[webhook.pk]), SAID).status_code == 404
    for deed in ("test", "rotate", "disable", "delete"):
        assert stranger.post(reverse("webhook-act", args=[webhook.pk]), {"do": deed}).status_code == 404
    assert "Warehouse" not in text(stranger.get(reverse("webhooks")))
    assert Client().get(reverse("webhooks")).status_code == 302


def test_everything_that_is_done_is_kept_and_told_to_colleagues(
    watched: World, administrator: Reader, boss: Client
) -> None:
    webhook = added(administrator)
    page = reverse("webhook", args=[webhook.pk])
    boss.post(page, SAID | {"label": "Depot"})
    boss.post(page, SAID | {"label": "Depot"})  # nothing new
    act = reverse("webhook-act", args=[webhook.pk])
    (secret,) = set(SECRET.findall(text(boss.post(act, {"do": "rotate"}))))
    assert secret
    assert "signs beside the new one until" in text(boss.get(page))
    for deed in ("disable", "disable", "enable", "delete"):
        assert boss.post(act, {"do": deed}).status_code == 302
    assert boss.get(page).status_code == 404
    assert boss.post(act, {"do": "enable"}).status_code == 404
    assert list(WebhookEvent.objects.order_by("pk").values_list("deed", flat=True)) == [
        WebhookDeed.ADDED,
        WebhookDeed.CHANGED,
        WebhookDeed.ROTATED,
        WebhookDeed.DISABLED,
        WebhookDeed.ENABLED,
        WebhookDeed.DELETED,
    ]
    viewer = browse_as(person_of(watched.operator, Role.VIEWER))
    told = text(viewer.get(reverse("notices"), {"kind": Kind.WEBHOOKS_CHANGED}))
    for words in ("was added", "was changed", "got a new signing secret", "was deleted"):
        assert f"The webhook “Depot” {words}." in told
    newest = Notice.objects.latest("pk")
    assert viewer.post(reverse("notice", args=[newest.pk]))["Location"] == reverse("webhooks")


@pytest.mark.parametrize(
    "change", ["UPDATE notices_webhookevent SET deed = 'gone'", "DELETE FROM notices_webhookevent"]
)
def test_what_was_done_to_a_webhook_is_never_changed(administrator: Reader, change: str) -> None:
    added(administrator)
    with (
        pytest.raises(Error, match="never changed"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change)


def test_a_deed_that_does_not_exist_is_refused(administrator: Reader, boss: Client) -> None:
    webhook = added(administrator)
    answer = boss.post(reverse("webhook-act", args=[webhook.pk]), {"do": "polish"})
    assert answer.status_code == 400


def test_an_organisation_has_twenty_at_most(administrator: Reader, boss: Client) -> None:
    for number in range(MOST_WEBHOOKS):
        added(administrator, label=f"Receiver {number}")
    answer = boss.post(reverse("webhooks"), SAID)
    assert answer.status_code == 422
    assert "at most 20 webhooks; delete one first" in text(answer)


@pytest.mark.usefixtures("to_loopback")
def test_a_test_event_shows_how_it_went(administrator: Reader, boss: Client) -> None:
    with listening(status(503, b"<b>later</b>"), status(204)) as receiver:
        webhook, secret = deeds.add_webhook(**SAID | {"url": receiver.url}, by=administrator, at=clock.now())
        answer = boss.post(reverse("webhook-act", args=[webhook.pk]), {"do": "test"})
        delivery = Delivery.objects.get()
        assert answer["Location"] == reverse("delivery", args=[delivery.uid])
        waiting = text(boss.get(answer["Location"]))
        assert 'hx-trigger="every 2s"' in waiting
        assert "What will be sent" in waiting
        deliver_waiting()
        page = text(boss.get(answer["Location"]))
        assert "The receiver answered 503; a delivery counts when the answer is 200 to 299." in page
        assert "&lt;b&gt;later&lt;/b&gt;" in page
        assert "This delivery waits for its next attempt already; look again then." in page
        Delivery.objects.update(next_attempt_at=clock.now())
        deliver_waiting()
    page = text(boss.get(answer["Location"]))
    assert "The receiver took it." in page
    assert "hx-trigger" not in page
    sent = receiver.received[1]
    assert verifies(sent, secret)
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature", "user-agent", "content-type"):
        assert f"{name}: {sent.headers[name]}" in page
    assert sent.body.decode().replace('"', "&quot;") in page
    assert delivery.kind == TEST_KIND


@pytest.mark.usefixtures("to_loopback")
def test_what_was_settled_is_sent_again_under_the_same_name(administrator: Reader, boss: Client) -> None:
    with listening(status(204)) as receiver:
        webhook, _ = deeds.add_webhook(**SAID | {"url": receiver.url}, by=administrator, at=clock.now())
        deeds.send_test(webhook, by=administrator, at=clock.now())
        deliver_waiting()
        delivery = Delivery.objects.get()
        again = reverse("send-again", args=[delivery.uid])
        assert boss.post(again).status_code == 302
        assert boss.post(again).status_code == 409
        deliver_waiting()
        assert len(receiver.received) == 2
        assert len(set(receiver.ids())) == 1
        deeds.disable_webhook(webhook, by=administrator, at=clock.now())
        refused = boss.post(again)
        assert (refused.status_code, "switched off" in refused.content.decode()) == (409, True)
        page = text(boss.get(reverse("webhook", args=[webhook.pk])))
        assert "This webhook is switched off; switch it on before you send." in page


def test_the_log_filters_by_state_and_goes_on_by_pages(administrator: Reader, boss: Client) -> None:
    webhook = added(administrator)
    now = door.now()
    Delivery.objects.bulk_create(
        Delivery(
            webhook=webhook,
            kind=TEST_KIND,
            made_at=now,
            state=DeliveryState.FAILED if number % 2 else DeliveryState.DELIVERED,
            settled_at=now,
        )
        for number in range(130)
    )
    other = added(administrator, label="Other")
    Delivery.objects.create(
        webhook=other, kind=TEST_KIND, made_at=now, state=DeliveryState.FAILED, settled_at=now
    )
    log = reverse("deliveries")
    asked = {"state": "failed", "webhook": str(webhook.pk)}
    page = boss.get(log, asked)
    shown = [each.pk for each, _ in page.context["rows"]]
    assert len(shown) == 50
    following = boss.get(page.context["page"].next_url)
    shown += [each.pk for each, _ in following.context["rows"]]
    assert following.context["page"].next_url is None
    expected = Delivery.objects.filter(state=DeliveryState.FAILED, webhook=webhook).order_by("-pk")
    assert shown == list(expected.values_list("pk", flat=True))
    exported = b"".join(boss.get(log, asked | {"format": "csv"}).streaming_content).decode().splitlines()
    assert len([line for line in exported if "webhook.test" in line]) == len(shown)
    answer = boss.post(reverse("save-view", args=["deliveries"]), {"name": "Lost", "query": "state=failed"})
    assert answer.status_code == 302
    assert "Lost" in text(boss.get(log))
    assert boss.get(log, {"state": "lost"}).status_code == 400


def test_a_delivery_of_what_a_colleague_may_not_see_is_not_there_for_them(
    watched: World, administrator: Reader
) -> None:
    from notices.actions.watch import look
    from registry.actions.tokens import issue_token

    webhook = added(administrator, kinds=[Kind.TOKENS_CHANGED])
    issue_token(
        administrator.organisation,
        by=None,
        label="x",
        scopes=["read"],
        at=door.now(),
        lifetime=timedelta(days=1),
    )
    look(at=door.now())
    delivery = Delivery.objects.get()
    viewer = browse_as(person_of(watched.operator, Role.VIEWER))
    assert viewer.get(reverse("delivery", args=[delivery.uid])).status_code == 404
    assert viewer.get(reverse("deliveries"), {"webhook": webhook.pk}).context["rows"] == []


def test_pages_cost_the_same_for_one_row_as_for_fifty(
    watched: World, administrator: Reader, boss: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    webhook = added(administrator)
    reader = reader_for(administrator.organisation, role=Role.ADMINISTRATOR, person=administrator.person)
    announce(watched)
    for batch in (1, 15):
        for number in range(batch):
            added(administrator, label=f"{batch}-{number}")
            deeds.send_test(webhook, by=reader, at=clock.now())
            tests = Delivery.objects.filter(notice=None)
            tests.update(state=DeliveryState.FAILED, next_attempt_at=None, settled_at=clock.now())
        with django_assert_num_queries(3 + 1):  # who asks; the webhooks
            boss.get(reverse("webhooks"))
        with django_assert_num_queries(3 + 3):  # the webhook, what was done to it, who did it
            boss.get(reverse("webhook", args=[webhook.pk]))
        with django_assert_num_queries(3 + 3):  # saved views, the webhooks to choose from, the page
            boss.get(reverse("deliveries"))


def test_a_fourth_test_waits_until_one_of_the_others_is_through(administrator: Reader, boss: Client) -> None:
    webhook = added(administrator)
    for _ in range(3):
        deeds.send_test(webhook, by=administrator, at=clock.now())
    with pytest.raises(Refused, match="3 tests of this webhook still wait"):
        deeds.send_test(webhook, by=administrator, at=clock.now())


def test_what_a_receiver_answered_is_for_administrators(
    watched: World, administrator: Reader, boss: Client
) -> None:
    webhook = added(administrator)
    delivery = deeds.send_test(webhook, by=administrator, at=clock.now())
    Delivery.objects.filter(pk=delivery.pk).update(response="Cannot POST /hooks/T0/SECRET", status=404)
    address = reverse("delivery", args=[delivery.uid])
    assert "/hooks/T0/SECRET" in text(boss.get(address))
    viewer = browse_as(person_of(watched.operator, Role.VIEWER))
    assert "/hooks/T0/SECRET" not in text(viewer.get(address))


def test_what_was_laid_out_while_a_webhook_was_switched_off_is_not_sent_when_it_is_on_again(
    administrator: Reader,
) -> None:
    webhook = added(administrator)
    deeds.disable_webhook(webhook, by=administrator, at=clock.now())
    late = Delivery.objects.create(
        webhook=webhook, kind="test", made_at=clock.now(), next_attempt_at=clock.now()
    )
    deeds.enable_webhook(webhook, by=administrator, at=clock.now())
    late.refresh_from_db()
    assert late.state == DeliveryState.DROPPED
