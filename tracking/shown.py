"""How the book is shown to machines: the members of each JSON object, and where they come from."""

from __future__ import annotations

from datetime import datetime

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from chipledger.statements.common import format_instant
from registry.models import Chip
from tracking.models import (
    AccountKind,
    Correction,
    Difference,
    DifferenceKind,
    Holding,
    MovementKind,
    MovementLine,
    Transfer,
    TransferState,
    Why,
)
from tracking.queries.as_of import Standing
from tracking.queries.history import Correcting, Side, Step

Object = dict[str, object]


def text_parameter(name: str, description: str, enum: list[str] | None = None) -> OpenApiParameter:
    """A filter of a list, as the schema describes it."""
    return OpenApiParameter(name, OpenApiTypes.STR, description=description, enum=enum)


class ChipShown(serializers.Serializer[Chip]):
    """A chip; where it is now is null where the reader may not know it."""

    chip = serializers.CharField()
    maker = serializers.CharField()
    serial = serializers.CharField()
    model = serializers.CharField()
    holder = serializers.CharField(allow_null=True)
    site = serializers.CharField(allow_null=True)
    state = serializers.ChoiceField(AccountKind.choices, allow_null=True)
    since = serializers.DateTimeField(allow_null=True)
    installed_at = serializers.DateTimeField(allow_null=True)
    transfer = serializers.CharField(allow_null=True, help_text="Digest of the dispatch it is under way by.")


class SideShown(serializers.Serializer[Object]):
    """An account as one end of a movement."""

    account = serializers.ChoiceField(AccountKind.choices)
    organisation = serializers.CharField()
    site = serializers.CharField()


class CorrectingShown(serializers.Serializer[Object]):
    """What a later statement of the same signer says of when a movement took effect."""

    statement = serializers.CharField()
    reason = serializers.ChoiceField(Correction.Reason.choices)
    signer = serializers.CharField(allow_null=True)
    position = serializers.IntegerField(allow_null=True)
    effective_at = serializers.DateTimeField()
    recorded_at = serializers.DateTimeField()


class StepShown(serializers.Serializer[Object]):
    """One movement of a chip, with the statement behind it and its position in the log once it has one."""

    kind = serializers.ChoiceField(MovementKind.choices)
    source = SideShown(allow_null=True)  # type: ignore[assignment] # DRF's own `source` is another thing
    target = SideShown()
    statement = serializers.CharField()
    statement_kind = serializers.CharField()
    signer = serializers.CharField(allow_null=True)
    position = serializers.IntegerField(allow_null=True)
    transfer = serializers.CharField(allow_null=True)
    effective_at = serializers.DateTimeField(help_text="In the view that was asked for.")
    filed_at = serializers.DateTimeField(help_text="As the statement itself says.")
    recorded_at = serializers.DateTimeField()
    corrections = CorrectingShown(many=True, help_text="Oldest first; the last one counts.")


class HistoryShown(serializers.Serializer[Object]):
    """The movements of a chip that the reader may see, oldest first."""

    chip = serializers.CharField()
    steps = StepShown(many=True)


class TransferShown(serializers.Serializer[Transfer]):
    """A transfer, known by the digest of its dispatch."""

    digest = serializers.CharField()
    sender = serializers.CharField()
    from_site = serializers.CharField()
    consignee = serializers.CharField()
    to_site = serializers.CharField()
    carrier = serializers.CharField(allow_null=True)
    waybill = serializers.CharField()
    quantity = serializers.IntegerField()
    outstanding = serializers.IntegerField()
    state = serializers.ChoiceField(TransferState.choices)
    is_overdue = serializers.BooleanField()
    is_disputed = serializers.BooleanField()
    dispatched_at = serializers.DateTimeField()
    estimated_arrival = serializers.DateTimeField()
    due_at = serializers.DateTimeField()
    recorded_at = serializers.DateTimeField()
    received_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)


class LineShown(serializers.Serializer[MovementLine]):
    """A chip that was dispatched, and what became of it; `dispatched` while it is under way."""

    chip = serializers.CharField()
    model = serializers.CharField()
    became = serializers.ChoiceField(MovementKind.choices)


class DifferenceShown(serializers.Serializer[Object]):
    """One line of the shipper/receiver difference; of a swap, `name` was found where `expected` was meant to be."""

    kind = serializers.ChoiceField(DifferenceKind.choices)
    name = serializers.CharField()
    why = serializers.ChoiceField([("", "No reason given"), *Why.choices])
    expected = serializers.CharField(allow_null=True)
    receipt = serializers.CharField()
    outcome = serializers.CharField()
    settlement = serializers.CharField(allow_null=True)
    recorded_at = serializers.DateTimeField()
    settled_at = serializers.DateTimeField(allow_null=True)


class TransferInFull(TransferShown):
    """A transfer with its first lines, where the others are, and its differences."""

    lines = LineShown(many=True)
    lines_url = serializers.URLField()
    differences = DifferenceShown(many=True)


def show_chip(chip: Chip, where: Holding | None) -> Object:
    """A chip, with where it is if the reader may know."""
    maker = chip.maker.signer.handle
    shown: Object = {
        "chip": f"{maker}/{chip.serial}",
        "maker": maker,
        "serial": chip.serial,
        "model": chip.model.code,
    }
    if where is None:
        return {**shown, **dict.fromkeys(("holder", "site", "state", "since", "installed_at", "transfer"))}
    return {
        **shown,
        "holder": where.account.organisation.signer.handle,
        "site": where.account.site.code,
        "state": where.account.kind,
        "since": format_instant(where.since),
        "installed_at": _instant(where.installed_at),
        "transfer": None if where.transfer is None else bytes(where.transfer.digest).hex(),
    }


def show_standing(chip: Chip, stood: Standing | None) -> Object:
    """A chip, with where it was on a day if the reader may know; whether it was in service then is not kept."""
    shown = show_chip(chip, None)
    if stood is None:
        return shown
    where = {
        "holder": stood.holder,
        "site": stood.site,
        "state": stood.account,
        "since": format_instant(stood.since),
    }
    return shown | where


def show_step(step: Step) -> Object:
    """One movement of a chip's history."""
    return {
        "kind": step.kind,
        "source": None if step.source is None else _side(step.source),
        "target": _side(step.target),
        "statement": step.statement,
        "statement_kind": step.statement_kind,
        "signer": step.signer,
        "position": step.position,
        "transfer": step.transfer,
        "effective_at": format_instant(step.effective_at),
        "filed_at": format_instant(step.filed_at),
        "recorded_at": format_instant(step.recorded_at),
        "corrections": [_correcting(each) for each in step.corrections],
    }


def show_transfer(transfer: Transfer, *, at: datetime) -> Object:
    """A transfer as `with_parties` reads it."""
    return {
        "digest": bytes(transfer.digest).hex(),
        "sender": transfer.sender.signer.handle,
        "from_site": transfer.from_site.code,
        "consignee": transfer.consignee.signer.handle,
        "to_site": transfer.to_site.code,
        "carrier": None if transfer.carrier is None else transfer.carrier.signer.handle,
        "waybill": transfer.waybill,
        "quantity": transfer.quantity,
        "outstanding": transfer.outstanding,
        "state": transfer.state,
        "is_overdue": transfer.closed_at is None and transfer.due_at < at,
        "is_disputed": getattr(transfer, "is_disputed", False),
        "dispatched_at": format_instant(transfer.dispatched_at),
        "estimated_arrival": format_instant(transfer.estimated_arrival),
        "due_at": format_instant(transfer.due_at),
        "recorded_at": format_instant(transfer.recorded_at),
        "received_at": _instant(transfer.received_at),
        "closed_at": _instant(transfer.closed_at),
    }


def show_line(line: MovementLine) -> Object:
    """A line as `lines_of` reads it."""
    became: str = getattr(line, "became", "")
    return {"chip": line.chip.name, "model": line.chip.model.code, "became": became}


def show_difference(difference: Difference) -> Object:
    """A difference; a claim never says whether a chip of that name exists."""
    settlement = difference.settlement
    return {
        "kind": difference.kind,
        "name": difference.name,
        "why": difference.why,
        "expected": None if difference.chip is None else difference.chip.name,
        "receipt": bytes(difference.receipt.digest).hex(),
        "outcome": difference.outcome,
        "settlement": None if settlement is None else bytes(settlement.digest).hex(),
        "recorded_at": format_instant(difference.recorded_at),
        "settled_at": _instant(difference.settled_at),
    }


def _correcting(correcting: Correcting) -> Object:
    return {
        "statement": correcting.statement,
        "reason": correcting.reason,
        "signer": correcting.signer,
        "position": correcting.position,
        "effective_at": format_instant(correcting.effective_at),
        "recorded_at": format_instant(correcting.recorded_at),
    }


def _side(side: Side) -> Object:
    return {"account": side.account, "organisation": side.organisation, "site": side.site}


def _instant(value: datetime | None) -> str | None:
    return None if value is None else format_instant(value)
