"""Receipts that do not come, and differences that stay open."""

from __future__ import annotations

from datetime import timedelta

import pytest

from audits.models import Finding
from tests.integration.audits.ground import DAY, NOW, Ground
from tracking.models import DifferenceKind, Transfer


@pytest.fixture
def route(ground: Ground) -> dict[str, object]:
    sender = ground.site(ground.organisation("sender"), "from-1")
    consignee = ground.site(ground.organisation("consignee", countries=["DE"]), "to-1", country="DE")
    return {"sender": sender, "consignee": consignee}


@pytest.mark.parametrize(
    ("late", "severity"),
    [
        (timedelta(seconds=1), 2),
        (10 * DAY, 2),
        (10 * DAY + timedelta(seconds=1), 3),
        (18 * DAY, 3),
        (20 * DAY + timedelta(seconds=1), 4),
        (45 * DAY + timedelta(seconds=1), 5),
    ],
)
def test_a_receipt_weighs_more_the_later_it_is(
    ground: Ground, route: dict, late: timedelta, severity: int
) -> None:
    transfer = ground.transfer(**route, due_at=NOW - late)

    (finding,) = ground.findings("overdue_receipt")

    assert finding.severity == severity
    assert finding.subject == f"transfer:{transfer.digest.hex()}"
    assert finding.organisation.signer.handle == "consignee"
    assert finding.counterparty is not None
    assert finding.counterparty.signer.handle == "sender"
    assert finding.began_at == transfer.due_at


def test_a_receipt_that_is_due_this_instant_is_not_late(ground: Ground, route: dict) -> None:
    ground.transfer(**route, due_at=NOW)

    assert ground.findings("overdue_receipt") == []


@pytest.mark.parametrize("state", ["received", "settled", "voided"])
def test_a_transfer_that_ended_is_never_overdue(ground: Ground, route: dict, state: str) -> None:
    ground.transfer(**route, due_at=NOW - 30 * DAY, state=state, outstanding=0, closed_at=NOW - DAY)

    assert ground.findings("overdue_receipt") == []


def test_a_partial_receipt_is_overdue_only_for_chips_that_it_does_not_name(
    ground: Ground, route: dict
) -> None:
    named = ground.transfer(**route, due_at=NOW - 5 * DAY, state="partially_received", outstanding=2)
    unnamed = ground.transfer(**route, due_at=NOW - 5 * DAY, state="partially_received", outstanding=3)
    for transfer in (named, unnamed):
        ground.difference(transfer, DifferenceKind.SHORT, recorded_at=NOW - 5 * DAY, number=2)

    assert [finding.transfer for finding in ground.findings("overdue_receipt")] == [unnamed]


def test_a_transfer_between_own_sites_has_no_counterparty(ground: Ground, route: dict) -> None:
    other = ground.site(Transfer.sender.field.related_model.objects.get(signer__handle="sender"), "from-2")
    ground.transfer(route["sender"], other, due_at=NOW - DAY)

    (finding,) = ground.findings("overdue_receipt")

    assert finding.counterparty is None


@pytest.mark.parametrize(
    ("kind", "rule", "ladder"),
    [
        (DifferenceKind.SHORT, "quantity_short", (2, 3, 4)),
        (DifferenceKind.OVER, "quantity_over", (2, 3, 4)),
        (DifferenceKind.SWAPPED, "mismatch_instance", (3, 3, 4)),
    ],
)
def test_an_open_difference_is_one_finding_and_grows_graver(
    ground: Ground, route: dict, kind: DifferenceKind, rule: str, ladder: tuple[int, int, int]
) -> None:
    transfer = ground.transfer(**route, due_at=NOW + DAY, state="partially_received", outstanding=2)
    ground.difference(transfer, kind, recorded_at=NOW, number=2)

    found = [ground.severities(rule, at=NOW + days * DAY) for days in (1, 11, 21)]

    assert found == [[severity] for severity in ladder]
    finding = Finding.objects.get(rule=rule)
    assert finding.organisation.signer.handle == "sender"
    assert finding.frozen["arithmetic"][kind.value] == 2


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        (DifferenceKind.SHORT, "quantity_short"),
        (DifferenceKind.OVER, "quantity_over"),
        (DifferenceKind.SWAPPED, "mismatch_instance"),
    ],
)
def test_a_settled_difference_is_none(ground: Ground, route: dict, kind: DifferenceKind, rule: str) -> None:
    transfer = ground.transfer(**route, due_at=NOW + DAY, state="partially_received", outstanding=1)
    (difference,) = ground.difference(transfer, kind, recorded_at=NOW - 30 * DAY)
    difference.settlement_id, difference.settled_at = 1, NOW - DAY
    difference.save()

    assert ground.findings(rule) == []


def test_damage_is_no_shortage(ground: Ground, route: dict) -> None:
    transfer = ground.transfer(**route, due_at=NOW + DAY, state="partially_received")
    ground.difference(transfer, DifferenceKind.DAMAGED, recorded_at=NOW - 30 * DAY)

    ground.sweep()

    assert not Finding.objects.exists()
