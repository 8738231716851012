"""The ground truth of a world: what was planted, what is honest but looks odd, and by when a rule could have seen it.

No detector reads any of this; only the scoring does, after the last sweep.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """The kinds of planted events, each named after the rule that is expected to find it."""

    OVERDUE_RECEIPT = "overdue_receipt"
    QUANTITY_SHORT = "quantity_short"
    QUANTITY_OVER = "quantity_over"
    MISMATCH_INSTANCE = "mismatch_instance"
    STALE_ATTESTATION = "stale_attestation"
    LOCATION_MISMATCH = "location_mismatch"
    UNBOOKED_PRESENCE = "unbooked_presence"
    TWO_PLACES = "two_places"
    DECLARED_LOSS = "declared_loss"
    THRESHOLD_EXCEEDED = "threshold_exceeded"


MIRI_TPP: Final = 253_440
"""16 H100-equivalents at 15,840 (MIRI draft agreement, arXiv 2511.10783v2, Art. II.16); the line itself is below."""

RAHMAN_MB: Final = 1_280_000
"""Accelerator memory (R. Rahman, arXiv 2605.29359); the line itself is below."""

_WEEK: Final = timedelta(days=7)

ALLOWED: Final[dict[Kind, timedelta]] = {
    # From the estimated arrival: the ten days a consignee may take, and the next sweep.
    Kind.OVERDUE_RECEIPT: 2 * _WEEK + timedelta(days=4),
    # From the receipt that says so: the next sweep.
    Kind.QUANTITY_SHORT: _WEEK + timedelta(days=1),
    Kind.QUANTITY_OVER: _WEEK + timedelta(days=1),
    Kind.MISMATCH_INSTANCE: _WEEK + timedelta(days=1),
    # From the silence: late at one and a half cadences after the last round, and the sweep after that.
    Kind.STALE_ATTESTATION: 3 * _WEEK,
    # From the move: the next round at the new place, and the sweep a week later, when both have stood for two days.
    Kind.LOCATION_MISMATCH: 2 * _WEEK + timedelta(days=1),
    Kind.UNBOOKED_PRESENCE: 2 * _WEEK + timedelta(days=1),
    # From the first round in which both answer: the sweep after it, or the next.
    Kind.TWO_PLACES: _WEEK + timedelta(days=1),
    # From the declaration, or from the receipt that lifts the cluster over the line: the next sweep.
    Kind.DECLARED_LOSS: _WEEK + timedelta(days=1),
    Kind.THRESHOLD_EXCEEDED: _WEEK + timedelta(days=1),
}
"""How long after its beginning an event may stay unseen."""

CONSEQUENCES: Final[dict[Kind, frozenset[Kind]]] = {
    # What was short, or came in another's place, stays under way and falls due.
    Kind.QUANTITY_SHORT: frozenset({Kind.OVERDUE_RECEIPT}),
    Kind.MISMATCH_INSTANCE: frozenset({Kind.OVERDUE_RECEIPT, Kind.QUANTITY_SHORT}),
    # The place that the chips left hears nothing of them.
    Kind.LOCATION_MISMATCH: frozenset({Kind.STALE_ATTESTATION}),
    Kind.UNBOOKED_PRESENCE: frozenset({Kind.STALE_ATTESTATION, Kind.LOCATION_MISMATCH}),
    Kind.TWO_PLACES: frozenset({Kind.LOCATION_MISMATCH, Kind.UNBOOKED_PRESENCE, Kind.STALE_ATTESTATION}),
    Kind.DECLARED_LOSS: frozenset({Kind.STALE_ATTESTATION}),
}
"""Further rules that are right to speak of an event of a kind."""


@dataclass(frozen=True, slots=True)
class Event:
    """One planted event: what was done to which chips, and when at the latest its rule should have spoken.

    Chip events name chips; transfer events also the consignment; threshold events name ``clusters``: the codes of
    sites and handles of owners that a cluster may be known by. ``intensity``: chips, or percent of
    a cluster's line.
    """

    number: int
    kind: Kind
    site: str
    chips: tuple[int, ...]
    began_at: datetime
    deadline: datetime
    intensity: int
    consignment: int | None = None
    clusters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Benign:
    """Something honest that a rule may truly report: late paper, a scanner's error that is settled, an outage."""

    what: str
    rules: frozenset[Kind]
    began_at: datetime
    consignment: int | None = None
    site: str | None = None
