"""What a rule is: a declaration that people can read, and one set-based query that says what breaks it now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from attestations.rules import cadence
from audits.models import Nature

COLUMNS: Final = (
    "subject",
    "severity",
    "organisation_id",
    "counterparty_id",
    "site_id",
    "chip_id",
    "transfer_id",
    "policy_id",
    "began_at",
    "arithmetic",
    "confidential",
)
"""What every rule's query returns, one row for each subject; of several, the gravest counts."""

IN_GRACE: Final = timedelta(days=10)
UNUSUAL: Final = timedelta(days=20)
"""Real paperwork is late: of 10,324 real shipments 7.9 % were recorded more than 10 days late, 5 % more than 18."""
PROTRACTED: Final = timedelta(days=45)

FRESH_FOR: Final = 3
"""A sighting speaks of now for so many cadences: until the chip is overdue (design §5)."""

GRACE_OF_SIGHTINGS: Final = timedelta(days=2)
"""How long book and silicon may disagree about a place after both are known, before it is a finding."""

STORED_CADENCE: Final = timedelta(days=60)
"""How often a chip in storage that once ran is powered on and challenged: overdue after 180 days of storage."""

LONGEST_PAUSE: Final = timedelta(days=14)
"""Declared outages stop the clock of silence for so long at most."""

MANY_LOST: Final = 8
"""More chips than one server holds, lost by one organisation within ninety days, are a graver loss."""


@dataclass(frozen=True)
class Rule:
    """One way in which book and silicon, or two papers, may disagree.

    ``severity`` is the least it opens with; the query may say more. ``cites`` says who must explain, ``due`` within
    what time, ``next_step`` what to do. ``version`` grows whenever the same facts would give another answer.
    ``clears``: the sweep closes it once nobody sees it any more; otherwise only a regulator does.
    """

    code: str
    version: int
    nature: Nature
    severity: int
    cites: str
    due: timedelta
    title: str
    next_step: str
    query: str
    clears: bool = True


def parameters(at: datetime) -> dict[str, Any]:
    """What the queries may refer to: the instant they look from, and the lengths of time they compare with.

    The values are ``Any`` because the stubs of Django do not know that a cursor takes a ``timedelta``.
    """
    return {
        "now": at,
        "cadence": cadence(),
        "stored_cadence": STORED_CADENCE,
        "fresh_since": at - FRESH_FOR * cadence(),
        "disagreeing_since": at - GRACE_OF_SIGHTINGS,
        "longest_pause": LONGEST_PAUSE,
        "in_grace": IN_GRACE,
        "unusual": UNUSUAL,
        "protracted": PROTRACTED,
        "many_lost": MANY_LOST,
    }
