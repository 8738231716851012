"""How the outcome of an envelope is answered."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from chipledger.statements.common import format_instant
from ledger.door import Outcome, State
from ledger.handlers import HANDLERS
from ledger.models import Entry, Statement

OutcomeSerializer = inline_serializer(
    "Outcome",
    {
        "digest": serializers.CharField(),
        "kind": serializers.CharField(),
        "state": serializers.ChoiceField(choices=[State.ACCEPTED.value, State.QUEUED.value]),
        "accepted_at": serializers.DateTimeField(allow_null=True),
        "position": serializers.IntegerField(allow_null=True),
        "job": serializers.UUIDField(allow_null=True),
        "verdict": serializers.DictField(),
        "next_due": serializers.DateTimeField(
            required=False, help_text="Of evidence: when the gateway should come back."
        ),
    },
)


def outcome_body(outcome: Outcome) -> dict[str, Any]:
    """The outcome as JSON."""
    statement = outcome.statement
    further = HANDLERS[statement.kind].answer(statement) if statement else {}
    return {
        "digest": outcome.digest.hex(),
        "kind": outcome.kind,
        "state": outcome.state.value,
        "accepted_at": format_instant(statement.accepted_at) if statement else None,
        "position": position_of(statement) if statement else None,
        "job": str(outcome.job.pk) if outcome.job else None,
        "verdict": outcome.verdict,
        **further,
    }


def outcome_status(outcome: Outcome) -> int:
    """201 booked now, 200 known before, 202 waiting for a worker."""
    if outcome.state is State.QUEUED:
        return 202
    return 200 if outcome.known else 201


def position_of(statement: Statement) -> int | None:
    """The statement's place in the log, None while it waits for one."""
    return Entry.objects.filter(statement=statement).values_list("position", flat=True).first()
