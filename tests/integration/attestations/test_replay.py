"""The silicon's account rebuilt from the log alone."""

from __future__ import annotations

import pytest

from attestations.models import Conflict, Outage, Presence, Sighting, UsedNonce
from chipledger.statements.attestations import OutageDeclared
from ledger.integrator import integrate
from ledger.replay import replay
from tests.integration.attestations.gateway import Gateway, StandingClock

pytestmark = pytest.mark.django_db
OURS = {model._meta.db_table for model in (Conflict, Outage, Presence, Sighting, UsedNonce)}


def live(gateway: Gateway, far: Gateway, standing: StandingClock) -> None:
    """Weeks of evidence with every kind of turn: steady, silent, moved, forked, forgotten, in two places, bad items."""
    world = gateway.world
    chips = world.commission([f"c{number}" for number in range(6)])
    for _ in range(3):
        gateway.collect(chips)
        standing.forward(hours=24)
    standing.forward(hours=200)
    gateway.collect(chips[:3])
    standing.forward(hours=30)
    far.collect(chips[:2])
    standing.forward(minutes=30)
    nonce = gateway.nonce()
    items = [
        gateway.ask(chips[0], nonce),
        gateway.ask(chips[1], nonce, seq=1),
        gateway.ask(chips[2], nonce, prev="cd" * 32),
        gateway.ask(chips[3], nonce, site="dc-2"),
    ]
    gateway.file(items, nonce=nonce)
    world.submit(
        OutageDeclared,
        by=world.operator,
        site="dc-1",
        begins_at=standing.at,
        ends_at=standing.forward(hours=12),
        reason="power",
    )


def test_replay_gives_the_same_sightings_stays_and_conflicts(
    gateway: Gateway, far_gateway: Gateway, standing: StandingClock
) -> None:
    live(gateway, far_gateway, standing)
    for model in (Conflict, Outage, Presence, Sighting, UsedNonce):
        assert model.objects.exists(), model
    integrate()
    assert [difference for difference in replay() if difference.table in OURS] == []


def test_replay_does_not_depend_on_todays_cadence(
    gateway: Gateway, far_gateway: Gateway, standing: StandingClock, settings: object
) -> None:
    live(gateway, far_gateway, standing)
    integrate()
    settings.ATTESTATION_CADENCE_HOURS = 1000.0
    assert [difference for difference in replay() if difference.table in OURS] == []


def test_replay_notices_a_sighting_that_no_statement_carried(
    gateway: Gateway, far_gateway: Gateway, standing: StandingClock
) -> None:
    live(gateway, far_gateway, standing)
    integrate()
    Sighting.objects.filter(chip__serial="c4").update(seq=99)
    (difference,) = [each for each in replay() if each.table in OURS]
    assert (difference.table, difference.only_in_book, difference.only_in_replay) == (
        "attestations_sighting",
        1,
        1,
    )
