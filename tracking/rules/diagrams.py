"""The two tables of transitions as Mermaid text, for the docs."""

from __future__ import annotations

from tracking.models import TransferState
from tracking.rules.transitions import CHANGES, SIGNED_BY, TRANSITIONS


def draw_transfers() -> str:
    """The states of a transfer and what leads from one to the next, signed by whom."""
    lines = ["stateDiagram-v2", f"    [*] --> {TransferState.DISPATCHED.value}: dispatch (sender)"]
    for state, acts in TRANSITIONS.items():
        for act, following in acts.items():
            label = f"{act.value} ({SIGNED_BY[act].value})"
            lines += [f"    {state.value} --> {target.value}: {label}" for target in sorted(following)]
    return "\n".join(lines) + "\n"


def draw_accounts() -> str:
    """The accounts of a chip and the statements that take it from one to another."""
    lines = [
        "stateDiagram-v2",
        "    [*] --> on_hand: chips.commissioned, stock.opened",
        "    on_hand --> in_transit: transfer.dispatched",
        "    in_transit --> on_hand: transfer.received, transfer.settled, transfer.voided",
        "    in_transit --> lost: transfer.settled (loss)",
    ]
    for kind, change in CHANGES.items():
        lines += [
            f"    {source.value} --> {change.target.value}: {kind}" for source in sorted(change.sources)
        ]
    return "\n".join(lines) + "\n"
