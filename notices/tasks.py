"""What Celery beat wakes: the watch. A wake-up that is lost is made good by the next one."""

from __future__ import annotations

from celery import shared_task

from chipledger import clock
from notices.actions.watch import look


@shared_task
def watch() -> None:
    """Look for what is new."""
    look(at=clock.now())
