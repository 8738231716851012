"""What PostgreSQL breaks off to end a deadlock is tried again, so that no caller ever hears of one."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Final, TypeVar

from django.db import OperationalError, connection
from psycopg2 import errors

R = TypeVar("R")
RETRIES: Final = 3
PAUSE_SECONDS: Final = 0.05


def try_again(attempt: Callable[[], R]) -> R:
    """Make an attempt, up to four times, each after a longer pause that differs from those of others.

    Inside a transaction it is made once: the locks that stand in the way end with that transaction, not here.
    """
    for turn in range(RETRIES if not connection.in_atomic_block else 0):
        try:
            return attempt()
        except OperationalError as error:
            if not isinstance(error.__cause__, errors.DeadlockDetected | errors.SerializationFailure):
                raise
        time.sleep(random.uniform(0, PAUSE_SECONDS * 2**turn))  # noqa: S311 - no secret
    return attempt()
