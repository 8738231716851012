"""A world that is watched, and an administrator of one of its operators."""

from __future__ import annotations

from typing import Any

import pytest

from ledger import door
from ledger.integrator import integrate
from notices.actions.watch import look
from registry.access import Reader, reader_for
from registry.models import Role
from tests.people import person_of
from tests.world import World


@pytest.fixture
def watched(world: World) -> World:
    """A world that has been looked at once, so that only what comes now is new."""
    integrate()
    look(at=door.now())
    return world


@pytest.fixture
def administrator(watched: World) -> Reader:
    """Who administers operator-a."""
    person = person_of(watched.operator)
    return reader_for(watched.operator.organisation, role=Role.ADMINISTRATOR, person=person)


@pytest.fixture
def to_loopback(settings: Any) -> None:
    """Webhooks may go to this machine, as in a demo that says so."""
    settings.WEBHOOKS_TO_LOOPBACK = True
