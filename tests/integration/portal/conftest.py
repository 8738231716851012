"""A world with something on every page, and two people of its operator."""

from __future__ import annotations

import pytest

from registry.models import Person, Role
from tests.people import Scene, person_of
from tests.world import World


@pytest.fixture
def scene(world: World) -> Scene:
    return Scene(world)


@pytest.fixture
def boss(world: World) -> Person:
    """The operator's administrator."""
    return person_of(world.operator)


@pytest.fixture
def ann(world: World) -> Person:
    """A signatory of the operator."""
    return person_of(world.operator, Role.SIGNATORY)
