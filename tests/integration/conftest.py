"""What several rooms' tests need: a clock that stands where they put it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from chipledger import clock
from tests.integration.attestations.gateway import StandingClock


@pytest.fixture
def standing() -> Iterator[StandingClock]:
    """Noon of a day; ask for it before the world, so that the world begins then."""
    standing = StandingClock(datetime(2026, 3, 2, 12, tzinfo=UTC))
    previous = clock.use(standing)
    yield standing
    clock.use(previous)
