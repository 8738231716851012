"""Deliveries to webhooks: take what is due, post it outside any transaction, note how it went.

Whoever dies between posting and noting has posted for nothing: after the lease somebody posts the same event again,
under the same `webhook-id`. So an event comes at least once, and receivers tell repetitions by that name.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Final

from django.db import connection, transaction
from django.db.models import QuerySet

from chipledger import clock
from chipledger.refusals import Refused
from notices.actions.alone import RUN_SECONDS, alone
from notices.actions.telling import tell
from notices.events import SUBJECTS, event_of, headers_of, message_id
from notices.models import Delivery, DeliveryState, Kind, Notice, Webhook, WebhookDeed, WebhookEvent
from notices.posting import Outcome, post
from notices.reach import parse_url
from notices.rules import LEASE, asks_for_longer, deliver_again_after
from notices.secrets import sign
from registry.access import reader_for, visible
from registry.models import Role

AT_ONCE: Final = 32
OF_EACH: Final = 4
"""So many of one webhook in a batch: one that hangs does not keep the others waiting."""
THREADS: Final = 16
BATCHES: Final = 10

_DUE: Final = """
SELECT id FROM (
    SELECT due.id, due.next_attempt_at,
           row_number() OVER (PARTITION BY webhook.organisation_id ORDER BY due.next_attempt_at, due.id) AS turn
      FROM notices_webhook webhook
     CROSS JOIN LATERAL (
           SELECT id, next_attempt_at FROM notices_delivery
            WHERE webhook_id = webhook.id AND state = 'waiting' AND next_attempt_at <= %s
            ORDER BY next_attempt_at LIMIT %s
           ) due
     WHERE webhook.disabled_at IS NULL
) due
 ORDER BY turn, next_attempt_at
 LIMIT %s
"""
"""Organisations take turns: many webhooks of one, or old deliveries that hang, keep no other waiting."""
SWITCHED_OFF: Final = "The webhook was switched off."
NOT_SEEN: Final = "What it tells of has gone out of your organisation's sight."


@dataclass(frozen=True)
class _Taken:
    """A delivery with all that posting it needs."""

    delivery: Delivery
    headers: dict[str, str]
    refusal: str = ""


def deliver_waiting() -> int:
    """Post what is due, a few batches at most, and say how many attempts were made; none while another process does."""
    with alone("deliver") as is_ours:
        return _deliver() if is_ours else 0


def _deliver() -> int:
    made, end = 0, monotonic() + RUN_SECONDS
    for _ in range(BATCHES):
        taken = _claim(at=clock.now()) if monotonic() < end else []
        if not taken:
            break
        made += len(taken)
        with ThreadPoolExecutor(THREADS, thread_name_prefix="webhook") as threads:
            posted = {threads.submit(_post, each): each for each in taken}
            for future in as_completed(posted):
                _record(posted[future].delivery, future.result(), at=clock.now())
    return made


@transaction.atomic
def _claim(*, at: datetime) -> list[_Taken]:
    """Take deliveries that are due, count the attempt, and write down what exactly will be sent."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE, [at, OF_EACH, AT_ONCE])
        due = [number for (number,) in cursor.fetchall()]
    waiting = Delivery.objects.filter(
        pk__in=due, state=DeliveryState.WAITING, next_attempt_at__lte=at, webhook__disabled_at__isnull=True
    )
    found = list(
        waiting.select_for_update(of=["self"], skip_locked=True)
        .select_related("webhook__organisation__signer", *(f"notice__{each}" for each in SUBJECTS))
        .order_by("pk")
    )
    seen = _seen(found)
    gone = [each.pk for each in found if each.notice_id is not None and each.notice_id not in seen]
    drop(Delivery.objects.filter(pk__in=gone), NOT_SEEN, at=at)
    taken = [_prepare(each, at=at) for each in found if each.pk not in gone]
    Delivery.objects.bulk_update(
        [each.delivery for each in taken],
        ["attempts", "next_attempt_at", "asked_seconds", "body", "attempted_at", "signature"],
    )
    return taken


def _seen(found: Iterable[Delivery]) -> set[int]:
    """The notices among these that their organisations may see now; one question for each organisation."""
    told: dict[int, list[Notice]] = {}
    for each in found:
        if each.notice is not None:
            told.setdefault(each.notice.organisation_id, []).append(each.notice)
    return {
        number
        for notices in told.values()
        for number in visible(reader_for(notices[0].organisation, role=Role.ADMINISTRATOR), Notice)
        .filter(pk__in=[each.pk for each in notices])
        .values_list("pk", flat=True)
    }


def _prepare(delivery: Delivery, *, at: datetime) -> _Taken:
    message = message_id(delivery.uid)
    delivery.attempts += 1
    delivery.next_attempt_at, delivery.asked_seconds = at + LEASE, None
    delivery.attempted_at = at
    if delivery.notice is not None:
        delivery.body = event_of(delivery.notice)
    refusal = ""
    try:
        delivery.signature = sign(delivery.webhook, message=message, body=delivery.body, at=at)
    except Refused as refused:
        delivery.signature, refusal = "", refused.sentence
    return _Taken(delivery, headers_of(message, at=at, signature=delivery.signature), refusal)


def _post(taken: _Taken) -> Outcome:
    if taken.refusal:
        return Outcome(duration_ms=0, error=taken.refusal)
    try:
        target = parse_url(taken.delivery.webhook.url)
    except Refused as refused:
        return Outcome(duration_ms=0, error=refused.sentence)
    return post(target, taken.headers, taken.delivery.body.encode())


@transaction.atomic
def _record(delivery: Delivery, outcome: Outcome, *, at: datetime) -> None:
    """Note how an attempt went, unless somebody has begun a later one or the delivery was called off."""
    # The webhook's row first: who switches it off locks it before its deliveries, too.
    webhook = Webhook.objects.select_for_update(no_key=True).get(pk=delivery.webhook_id)
    is_over = outcome.is_success or outcome.is_gone
    wait = None if is_over else deliver_again_after(delivery.attempts, asked=outcome.asked)
    is_as_asked = wait is not None and asks_for_longer(delivery.attempts, outcome.asked)
    state = DeliveryState.WAITING if wait else DeliveryState.FAILED
    noted = Delivery.objects.filter(
        pk=delivery.pk,
        state=DeliveryState.WAITING,
        attempts=delivery.attempts,
        attempted_at=delivery.attempted_at,
    ).update(
        state=DeliveryState.DELIVERED if outcome.is_success else state,
        next_attempt_at=at + wait if wait else None,
        asked_seconds=round(outcome.asked.total_seconds()) if is_as_asked else None,
        settled_at=None if wait else at,
        status=outcome.status,
        response=outcome.response,
        duration_ms=outcome.duration_ms,
        error=outcome.error,
    )
    if not noted:
        return
    if outcome.is_success:
        Webhook.objects.filter(pk=delivery.webhook_id).update(succeeded_at=at)
    elif outcome.is_gone:
        _stop(webhook, WebhookDeed.GONE, at=at)
    elif wait is None and (webhook.succeeded_at is None or webhook.succeeded_at < delivery.made_at):
        # Had others got through in the meantime, it would have been this event, and not the receiver, that failed.
        _stop(webhook, WebhookDeed.FAILED, at=at)


def _stop(webhook: Webhook, deed: WebhookDeed, *, at: datetime) -> None:
    """The house switches a webhook off and tells its organisation; nothing when it is off already."""
    if webhook.disabled_at is None:
        switch_off(webhook, at=at)
        tell([note_webhook_deed(webhook, deed, by="", at=at)], at=at)


def switch_off(webhook: Webhook, *, at: datetime) -> None:
    """Nothing goes there any more, and what waits is called off; each can be sent again later. Its row is locked."""
    Webhook.objects.filter(pk=webhook.pk).update(disabled_at=at)
    drop(webhook.deliveries.filter(state=DeliveryState.WAITING), SWITCHED_OFF, at=at)


def drop(deliveries: QuerySet[Delivery], why: str, *, at: datetime) -> None:
    """Call deliveries off; each says why."""
    deliveries.update(
        state=DeliveryState.DROPPED, next_attempt_at=None, asked_seconds=None, settled_at=at, error=why
    )


def note_webhook_deed(webhook: Webhook, deed: WebhookDeed, *, by: str, at: datetime) -> Notice:
    """Keep what was done to a webhook, and make the notice of it, which is still to be told."""
    event = WebhookEvent.objects.create(webhook=webhook, deed=deed, by=by, at=at)
    stopped = deed in (WebhookDeed.FAILED, WebhookDeed.GONE)
    return Notice(
        organisation_id=webhook.organisation_id,
        kind=Kind.WEBHOOK_STOPPED if stopped else Kind.WEBHOOKS_CHANGED,
        fact=f"webhook:{event.pk}",
        happened_at=at,
        webhook_event=event,
    )
