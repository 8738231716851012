"""How long a silence may last, when to come back, and how fast a chip can travel."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings

from attestations.rules import Freshness, freshness, next_due, travel_hours

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _daily(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "ATTESTATION_CADENCE_HOURS", 24.0)


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        (0, "fresh"),
        (36, "fresh"),
        (36.01, "late"),
        (72, "late"),
        (72.01, "overdue"),
        (120, "overdue"),
        (120.01, "missing"),
    ],
)
def test_silence_is_late_at_one_and_a_half_overdue_at_three_and_missing_at_five_cadences(
    hours: float, expected: str
) -> None:
    assert freshness(NOON - timedelta(hours=hours), at=NOON) == expected


def test_a_chip_that_never_proved_itself_is_unseen() -> None:
    assert freshness(None, at=NOON) is Freshness.UNSEEN


def test_batches_are_called_back_about_a_cadence_later_and_not_all_at_once() -> None:
    due = {next_due(NOON, hashlib.sha256(bytes([number])).digest()) for number in range(200)}
    assert len(due) > 190
    assert min(due) >= NOON + timedelta(hours=22.8) - timedelta(seconds=1)
    assert max(due) <= NOON + timedelta(hours=25.2)


def test_travel_follows_the_geodesic() -> None:
    """JFK to LHR: 5,554.9 km on WGS 84 (40° 38′ N 73° 47′ W to 51° 28′ N 0° 27′ W), as airlines publish it."""
    hours = travel_hours(406_400_000, -737_800_000, 514_700_000, -4_500_000)
    assert hours * 900 == pytest.approx(5555, rel=0.003)
    assert travel_hours(0, 0, 0, 0) == 0
