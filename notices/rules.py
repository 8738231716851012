"""What holds for the two ways out of the house: which kinds come by mail at first, and when is tried again."""

from __future__ import annotations

from datetime import timedelta
from secrets import SystemRandom
from typing import Final

from chipledger.refusals import Refused
from notices.models import Delivery, DeliveryState, Kind, Webhook
from notices.posting import PATIENCE_SECONDS
from registry.models import Role

ASK_FOR_AN_ACT: Final = (
    Kind.TRANSFER_DISPATCHED,
    Kind.TRANSFER_OVERDUE,
    Kind.FINDING_OPENED,
    Kind.FINDING_DUE,
    Kind.PAPER_WAITING,
    Kind.WEBHOOK_STOPPED,
)
"""The kinds that somebody has to do something about; they come by mail until a person says otherwise."""

MAIL_RETRIES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 2 * 60, 8 * 60, 24 * 60))
"""How long after an attempt a letter is tried again; it has failed when none is left."""

WEBHOOK_RETRIES: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
)
"""The schedule that Standard Webhooks gives: ten attempts in 75 hours and 35 minutes."""

LONGEST_WAIT: Final = max(WEBHOOK_RETRIES)
"""A receiver may ask for so much between two attempts; more counts as this."""
LEASE: Final = timedelta(seconds=8 * PATIENCE_SECONDS)
"""So long nobody else tries what a process has taken: longer than a batch takes when every receiver hangs."""

JITTER: Final = 0.1
SECRET_OVERLAP: Final = timedelta(hours=24)
KEPT: Final = timedelta(days=30)
"""How long settled mailings and deliveries are kept."""

MOST_WEBHOOKS: Final = 20
MOST_TESTS: Final = 3


def first_by_mail(role: Role) -> list[str]:
    """The kinds that come by mail to somebody who never chose: none to a viewer, who may not act on any."""
    return [] if role == Role.VIEWER else [kind.value for kind in ASK_FOR_AN_ACT]


def mail_again_after(attempts: int) -> timedelta | None:
    """How long to wait after so many attempts; None when it is over."""
    return MAIL_RETRIES[attempts - 1] if attempts <= len(MAIL_RETRIES) else None


def deliver_again_after(attempts: int, *, asked: timedelta = timedelta(0)) -> timedelta | None:
    """The same for webhooks, up to a tenth longer by chance, so that what failed together is not tried together.

    A receiver that asks for a longer pause gets it, up to a day.
    """
    if attempts > len(WEBHOOK_RETRIES):
        return None
    longer = 1 + SystemRandom().uniform(0, JITTER)
    return max(WEBHOOK_RETRIES[attempts - 1] * longer, min(asked * longer, LONGEST_WAIT))


def asks_for_longer(attempts: int, asked: timedelta) -> bool:
    """Whether a receiver asks for a longer pause after so many attempts than it would have had."""
    return asked > WEBHOOK_RETRIES[attempts - 1]


def why_it_waits(delivery: Delivery) -> str:
    """In a sentence, why the next attempt is made when it is, and not now; nothing for what is settled."""
    if delivery.state != DeliveryState.WAITING or delivery.next_attempt_at is None:
        return ""
    if delivery.attempts == 0 or delivery.attempted_at is None:
        return "It goes out with the next run, within seconds."
    if delivery.next_attempt_at == delivery.attempted_at + LEASE:
        return "An attempt is being made. Should nobody note how it ended, another one follows then."
    if delivery.asked_seconds is None:
        return f"Attempt {delivery.attempts} of {len(WEBHOOK_RETRIES) + 1} failed; the wait after each is longer."
    asked = f"The receiver asked for a pause of {delivery.asked_seconds:,} seconds (Retry-After)"
    if timedelta(seconds=delivery.asked_seconds) > LONGEST_WAIT:
        return f"{asked}; it gets about a day."
    return f"{asked}."


def unknown_kind(value: str, *, field: str = "kind", status: int = 422) -> Refused:
    """The refusal of a kind of notice that does not exist."""
    return Refused(
        "unknown_kind",
        f"There is no such kind of notice; choose from {', '.join(Kind.values)}.",
        field=field,
        value=value,
        status=status,
    )


def check_is_on(webhook: Webhook) -> None:
    """Refuse to send anything to a webhook that is switched off."""
    if webhook.disabled_at is not None:
        raise Refused(
            "webhook_disabled", "This webhook is switched off; switch it on before you send.", status=409
        )


def check_may_be_sent_again(delivery: Delivery) -> None:
    """Refuse to send what is still on its way, or to a webhook that is switched off."""
    check_is_on(delivery.webhook)
    if delivery.state == DeliveryState.WAITING:
        raise Refused(
            "delivery_waits", "This delivery waits for its next attempt already; look again then.", status=409
        )


def check_may_be_tested(webhook: Webhook) -> None:
    """Refuse a further test while earlier ones still wait: they share what posts everybody's deliveries."""
    if webhook.deliveries.filter(notice=None, state=DeliveryState.WAITING).count() >= MOST_TESTS:
        raise Refused(
            "tests_waiting",
            f"{MOST_TESTS} tests of this webhook still wait to be delivered. See what became of them first.",
            status=409,
        )
