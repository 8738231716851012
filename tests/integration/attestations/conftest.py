"""Gateways of the world's sites, and a clock that stands still."""

from __future__ import annotations

import pytest

from tests.integration.attestations.gateway import Gateway, StandingClock
from tests.world import World


@pytest.fixture
def gateway(standing: StandingClock, world: World) -> Gateway:
    """The gateway of the operator's first site."""
    return Gateway(world, world.operator, "dc-1", {})


@pytest.fixture
def second_gateway(gateway: Gateway) -> Gateway:
    """The gateway of the same operator's other site, some 170 km away."""
    return Gateway(gateway.world, gateway.world.operator, "dc-2", gateway.chain)


@pytest.fixture
def far_gateway(gateway: Gateway) -> Gateway:
    """The gateway of another operator, on another continent."""
    return Gateway(gateway.world, gateway.world.second_operator, "dc-3", gateway.chain)
