"""What Celery beat wakes: the watch, the mail, the webhooks. A wake-up that is lost is made good by the next one."""

from __future__ import annotations

from celery import shared_task

from chipledger import clock
from notices.actions.delivering import deliver_waiting
from notices.actions.mailing import send_mail_waiting
from notices.actions.watch import look
from notices.actions.webhooks import forget_settled


@shared_task
def watch() -> None:
    """Look for what is new."""
    look(at=clock.now())


@shared_task
def mail() -> None:
    """Send the letters that are due."""
    send_mail_waiting()


@shared_task
def deliver() -> None:
    """Post the deliveries that are due."""
    deliver_waiting()


@shared_task
def forget() -> None:
    """Delete what was settled long ago."""
    forget_settled(at=clock.now())
