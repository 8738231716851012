"""What makes a count of a site refusable: when it says it was taken."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from chipledger.refusals import Refused

LONGEST_UNTIL_FILED: Final = timedelta(days=30)
"""A count is filed while it is fresh: nobody picks a day long ago on which book and shelf agreed."""


def check_is_fresh(counted_at: datetime, *, at: datetime) -> None:
    """Refuse a count that was taken too long ago."""
    if counted_at < at - LONGEST_UNTIL_FILED:
        raise Refused(
            "counted_too_long_ago",
            f"A count is filed within {LONGEST_UNTIL_FILED.days} days; count the site again.",
            field="counted_at",
            value=str(counted_at),
        )


def check_goes_on(counted_at: datetime, *, newest: datetime | None) -> None:
    """Refuse a count from before the site's newest one: counts of a site follow each other."""
    if newest is not None and counted_at <= newest:
        raise Refused(
            "counted_later_already",
            f"This site has a count of {newest:%Y-%m-%d %H:%M:%S} UTC already; name a later instant, or count again.",
            field="counted_at",
            value=str(counted_at),
            status=409,
        )
