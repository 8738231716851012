"""A world with something on every page."""

from __future__ import annotations

import pytest

from tests.people import Scene
from tests.world import World


@pytest.fixture
def scene(world: World) -> Scene:
    return Scene(world)
