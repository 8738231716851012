"""What Celery beat wakes in this room."""

from __future__ import annotations

from celery import shared_task

from chipledger import clock
from ledger import attachments


@shared_task
def forget_attachments() -> None:
    """Remove attachments that no paper can name any more."""
    attachments.forget_unnamed(at=clock.now())
