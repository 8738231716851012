"""Declared outages: one's own sites, beforehand or at once, and never for ever."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from attestations.models import Outage
from chipledger.refusals import Refused
from chipledger.statements.attestations import OutageDeclared
from tests.integration.attestations.gateway import StandingClock
from tests.world import World

pytestmark = pytest.mark.django_db


def declare(world: World, standing: StandingClock, *, begins: float, ends: float, **fields: Any) -> None:
    """Hours from now."""
    at = standing.at
    times = {"begins_at": at + timedelta(hours=begins), "ends_at": at + timedelta(hours=ends)}
    world.submit(OutageDeclared, by=world.operator, **{"site": "dc-1", "reason": "power", **times, **fields})


def test_an_outage_is_kept_with_its_reason(standing: StandingClock, world: World) -> None:
    declare(world, standing, begins=-2, ends=10)
    outage = Outage.objects.select_related("site").get()
    assert (outage.site.code, outage.reason, outage.organisation) == (
        "dc-1",
        "power",
        world.operator.organisation,
    )
    assert outage.ends_at - outage.begins_at == timedelta(hours=12)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"begins": 1, "ends": 1}, "outage_ends_first"),
        ({"begins": 0, "ends": 24 * 91}, "outage_too_long"),
        ({"begins": -25, "ends": 1}, "outage_too_late"),
        ({"begins": 0, "ends": 1, "site": "dc-3"}, "unknown_site"),
        ({"begins": 0, "ends": 1, "site": "nowhere"}, "unknown_site"),
    ],
)
def test_an_outage_that_explains_nothing_is_refused(
    standing: StandingClock, world: World, fields: dict[str, Any], code: str
) -> None:
    with pytest.raises(Refused) as caught:
        declare(world, standing, **fields)
    assert caught.value.code == code
    assert not Outage.objects.exists()
