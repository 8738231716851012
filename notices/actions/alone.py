"""Work of which one process does its part at a time, and not for long: mail and webhooks may share a worker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection

RUN_SECONDS: Final = 20.0
"""After so long a run takes up nothing more; beat begins the next one soon."""


@contextmanager
def alone(work: str) -> Iterator[bool]:
    """Whether this process may do the work now; no other one may until the block ends, or its connection does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [f"notices:{work}"])
        (is_ours,) = cursor.fetchone()
    try:
        yield is_ours
    finally:
        if is_ours:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [f"notices:{work}"])
