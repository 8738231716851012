"""What Celery beat starts: the sweep itself as a durable job, and the watch over it."""

from __future__ import annotations

import structlog
from celery import shared_task

from audits import queries
from audits.actions.sweeps import request_sweep
from chipledger import clock

log = structlog.get_logger(__name__)


@shared_task
def start_sweep() -> None:
    """Ask for a sweep, unless one waits or runs."""
    request_sweep()


@shared_task
def watch_lag() -> None:
    """Raise the alarm when nobody has swept for two intervals: no news is then no longer good news."""
    lag = queries.sweep_lag(at=clock.now())
    if queries.is_lagging(lag):
        log.error("sweep_lags", seconds=round(lag.total_seconds()))
