"""Evidence that contradicts other evidence is kept, whether or not it counts as a sighting."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, transaction

from attestations.models import Conflict, Sighting, TamperSign
from chipledger.refusals import Refused
from tests.integration.attestations.gateway import Gateway, StandingClock, register

pytestmark = pytest.mark.django_db


def one(gateway: Gateway, chip: str, **claims: Any) -> dict[str, object]:
    """File one item alone and return the verdict."""
    nonce = gateway.nonce()
    return gateway.file([gateway.ask(chip, nonce, **claims)], nonce=nonce).verdict


def signs() -> list[str]:
    return [conflict.sign for conflict in Conflict.objects.order_by("id")]


def test_an_honest_chain_contradicts_nothing(gateway: Gateway, standing: StandingClock) -> None:
    chips = register(gateway.world, ["a", "b"])
    for _ in range(3):
        gateway.collect(chips)
        standing.forward(hours=24)
    assert signs() == []


def test_a_gap_in_the_sequence_is_honest(gateway: Gateway) -> None:
    """What was lost on the way was never accepted, and the chip goes on from what was."""
    (chip,) = register(gateway.world, ["a"])
    gateway.collect([chip])
    assert one(gateway, chip, seq=9)["accepted"] == 1
    assert signs() == []


@pytest.mark.parametrize("seq", [5, 4, 1])
def test_a_sequence_that_does_not_grow_is_kept_and_not_accepted(
    gateway: Gateway, standing: StandingClock, seq: int
) -> None:
    """Two chips with one key, or a counter that went back: the batch is booked so that this is not lost."""
    (chip,) = register(gateway.world, ["a"])
    one(gateway, chip, seq=5)
    first = Sighting.objects.get()
    standing.forward(minutes=1)
    verdict = one(gateway, chip, seq=seq)
    assert verdict["results"] == {"0": "sequence_fork"}
    assert verdict["conflicts"] == {"sequence_fork": [0]}
    conflict = Conflict.objects.select_related("site", "other_site").get()
    assert conflict.sign == TamperSign.SEQUENCE_FORK
    assert (conflict.site.code, conflict.other_site.code) == ("dc-1", "dc-1")
    assert (conflict.other_seen_at, conflict.seen_at) == (first.seen_at, standing.at)
    assert Sighting.objects.get().seen_at == first.seen_at


def test_an_old_paper_sent_under_a_new_nonce_accuses_nobody(gateway: Gateway) -> None:
    (chip,) = register(gateway.world, ["a"])
    one(gateway, chip, seq=5)
    nonce = gateway.nonce()
    old = gateway.ask(chip, gateway.nonce(), seq=3)
    with pytest.raises(Refused, match="nonce_differs"):
        gateway.file([old], nonce=nonce)
    assert signs() == []


def test_another_history_is_accepted_and_kept_as_a_fork(gateway: Gateway) -> None:
    (chip,) = register(gateway.world, ["a"])
    one(gateway, chip)
    verdict = one(gateway, chip, prev="ab" * 32)
    assert (verdict["accepted"], verdict["results"]) == (1, {})
    assert verdict["conflicts"] == {"chain_fork": [0]}
    assert signs() == ["chain_fork"]
    assert Sighting.objects.get().seq == 2


def test_a_chip_that_forgot_its_history_is_a_fork(gateway: Gateway) -> None:
    (chip,) = register(gateway.world, ["a"])
    one(gateway, chip)
    assert one(gateway, chip, prev=None)["conflicts"] == {"chain_fork": [0]}


def test_a_chip_cannot_be_on_two_continents_within_an_hour(
    gateway: Gateway, far_gateway: Gateway, standing: StandingClock
) -> None:
    (chip,) = register(gateway.world, ["a"])
    gateway.collect([chip])
    standing.forward(hours=1)
    assert far_gateway.collect([chip]).verdict["conflicts"] == {"two_places": [0]}
    conflict = Conflict.objects.select_related("site", "other_site").get()
    assert (conflict.sign, conflict.site.code, conflict.other_site.code) == ("two_places", "dc-3", "dc-1")
    assert Sighting.objects.select_related("site").get().site.code == "dc-3"


@pytest.mark.parametrize(("minutes", "is_impossible"), [(10, True), (12, False)])
def test_the_time_to_travel_is_the_distance_at_900_km_an_hour(
    gateway: Gateway, second_gateway: Gateway, standing: StandingClock, minutes: int, is_impossible: bool
) -> None:
    """1.5 degrees of latitude from 32.5° N are 166.4 km on WGS 84, which is 11.1 minutes."""
    (chip,) = register(gateway.world, ["a"])
    gateway.collect([chip])
    standing.forward(minutes=minutes)
    second_gateway.collect([chip])
    assert signs() == (["two_places"] if is_impossible else [])


def test_a_copied_key_far_away_is_both_a_fork_and_in_two_places(
    gateway: Gateway, far_gateway: Gateway, standing: StandingClock
) -> None:
    (chip,) = register(gateway.world, ["a"])
    one(gateway, chip, seq=50)
    standing.forward(minutes=5)
    verdict = one(far_gateway, chip, seq=7)
    assert verdict["conflicts"] == {"sequence_fork": [0], "two_places": [0]}
    assert Sighting.objects.select_related("site").get().site.code == "dc-1"


def test_conflicts_are_never_changed(gateway: Gateway) -> None:
    (chip,) = register(gateway.world, ["a"])
    one(gateway, chip)
    one(gateway, chip, prev=None)
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        Conflict.objects.update(sign="two_places")
