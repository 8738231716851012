"""Which statements can be corrected, and to which instants."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from chipledger.refusals import Refused
from tracking.rules.transitions import CHANGES

CORRECTABLE: Final[dict[str, str]] = {
    "transfer.dispatched": "dispatched_at",
    "transfer.received": "received_at",
    **{kind: "happened_at" for kind, change in CHANGES.items() if change.movement is not None},
}
"""The kinds whose instant can be corrected, with the member that says it: those that move chips at a stated time."""


def check_kind(kind: str) -> None:
    """Refuse a statement that says no instant at which chips moved."""
    if kind == "statement.corrected":
        raise Refused(
            "is_a_correction",
            "A correction is not corrected itself; correct the first statement again, with this one as previous.",
            field="original",
            value=kind,
        )
    if kind not in CORRECTABLE:
        raise Refused(
            "not_correctable",
            f"The instant of {kind} cannot be corrected; name a statement of {', '.join(CORRECTABLE)}.",
            field="original",
            value=kind,
        )


def check_instant(
    wanted: datetime, *, present: datetime, before: datetime | None, after: datetime | None
) -> None:
    """Refuse an instant that changes nothing, or that would put a chip's movements out of order.

    ``before`` and ``after`` are when the nearest movements of its chips took effect.
    """
    if wanted == present:
        raise Refused(
            "same_instant", "The statement says this instant already; name another.", field="effective_at"
        )
    if before is not None and wanted < before:
        raise Refused(
            "before_the_movement_before",
            f"A chip of this statement came there only at {_say(before)}; name that instant or a later one.",
            field="effective_at",
            value=_say(wanted),
        )
    if after is not None and wanted > after:
        raise Refused(
            "after_the_movement_after",
            f"A chip of this statement moved on at {_say(after)}; name that instant or an earlier one.",
            field="effective_at",
            value=_say(wanted),
        )


def _say(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"
