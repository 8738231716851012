"""Which sites are due for a count, and where people are told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from ledger import door
from portal.queries.stock_takes import PERIOD, due_stock_takes
from registry.access import reader_for
from registry.models import Role
from tests.integration.attestations.gateway import StandingClock
from tests.integration.portal.test_stock_takes import address
from tests.integration.tracking.trade import Trade, count_site
from tests.people import browse_as, person_of
from tests.world import Party, World

pytestmark = pytest.mark.django_db


def due(world: World, party: Party, at: Any, **more: Any) -> list[tuple[str, int]]:
    reader = reader_for(party.organisation, role=Role.VIEWER)
    return [(each.site.code, each.days_late) for each in due_stock_takes(reader, at=at, **more)]


def test_a_site_is_due_half_a_year_after_its_first_chip_or_its_last_count(
    standing: StandingClock, world: World
) -> None:
    chips = world.commission(["SN-1", "SN-2"], keyed=False)
    trade = Trade(world)
    trade.receive(trade.dispatch(chips))
    began = door.now()
    day = timedelta(days=1)
    assert due(world, world.operator, began + PERIOD - 31 * day) == []
    assert due(world, world.operator, began + PERIOD - 30 * day) == [("dc-1", 0)]
    assert due(world, world.operator, began + PERIOD + 3 * day) == [("dc-1", 3)]
    assert due(world, world.operator, began, within=None) == [("dc-1", 0)]
    standing.forward(days=100)
    count_site(world, chips, by=world.operator, site="dc-1")
    assert due(world, world.operator, began + PERIOD + 3 * day) == []
    assert due(world, world.operator, door.now() + PERIOD + day) == [("dc-1", 1)]


def test_a_site_without_chips_is_not_due_and_a_count_of_it_while_empty_does_not_count_as_one_of_its_chips(
    standing: StandingClock, world: World
) -> None:
    count_site(world, [], by=world.operator, site="dc-1")
    standing.forward(days=100)
    chips = world.commission(["SN-1"], keyed=False)
    trade = Trade(world)
    trade.receive(trade.dispatch(chips))
    arrived = door.now()
    assert due(world, world.operator, arrived + PERIOD - timedelta(days=31)) == []
    assert due(world, world.operator, arrived + PERIOD + timedelta(days=1)) == [("dc-1", 1)]
    trade.dispatch(chips, by=world.operator, from_site="dc-1", to_site="dc-2")
    assert due(world, world.operator, arrived + PERIOD + timedelta(days=1)) == []


def test_due_sites_are_found_in_one_query_however_many(
    standing: StandingClock, world: World, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    chips = world.commission([f"SN-{number}" for number in range(5)], keyed=False)
    trade = Trade(world)
    for number, chip in enumerate(chips):
        world.declare_site(world.operator, f"new-{number}")
        trade.receive(trade.dispatch([chip], to_site=f"new-{number}"))
    reader = reader_for(world.operator.organisation, role=Role.VIEWER)
    with django_assert_num_queries(1):
        assert len(due_stock_takes(reader, at=door.now() + PERIOD)) == 5


def test_the_inbox_says_which_sites_are_due_and_leads_to_the_count(
    standing: StandingClock, world: World
) -> None:
    operator = browse_as(person_of(world.operator))
    trade = Trade(world)
    trade.receive(trade.dispatch(world.commission(["SN-100"], keyed=False)))
    assert "Stock-takes due" not in operator.get(reverse("overview")).content.decode()
    standing.forward(days=185)
    page = operator.get(reverse("overview")).content.decode()
    assert "Stock-takes due" in page
    assert f'href="{address()}"' in page
    assert "5 days late" in page
    assert address() in operator.get(reverse("count-site")).content.decode()
