"""A world with six chips on the maker's hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ledger import integrator, replay
from tests.integration.tracking.trade import Trade
from tests.world import World
from tracking.queries.identities import check_identities


@pytest.fixture
def trade(world: World) -> Trade:
    return Trade(world)


@pytest.fixture
def chips(world: World) -> list[str]:
    return world.commission([f"SN-{number:04d}" for number in range(1, 7)])


@pytest.fixture
def the_book_closes(world: World) -> Iterator[None]:
    """After the test every identity holds, and replay finds no difference."""
    yield
    assert check_identities() == []
    while integrator.integrate():
        pass
    assert replay.replay() == []
