"""Stays of chips at sites, against a recomputation that knows nothing of intervals in a database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attestations.actions import record_sightings
from attestations.models import Presence, Sighting
from ledger.models import Statement
from registry.models import Chip
from tests.integration.attestations.gateway import Gateway, StandingClock, register
from tests.world import World

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 2, tzinfo=UTC)
GAP = timedelta(hours=72)


@dataclass(frozen=True)
class Seen:
    chip: str
    site: str
    at: datetime


def naive_stays(seen: list[Seen], chip: str) -> list[tuple[str, datetime, datetime]]:
    """Fold the proofs of a chip, in the order they were booked, into stays. Time never runs backwards."""
    stays: list[tuple[str, datetime, datetime]] = []
    for proof in seen:
        if proof.chip != chip:
            continue
        if stays and stays[-1][0] == proof.site and proof.at - stays[-1][2] <= GAP:
            stays[-1] = (proof.site, stays[-1][1], max(proof.at, stays[-1][2]))
        else:
            at = max([proof.at, *(stay[2] for stay in stays)])
            stays.append((proof.site, at, at))
    return stays


def booked_stays(chip: str) -> list[tuple[str, datetime, datetime]]:
    row = Chip.objects.get(serial=chip.split("/")[1])
    stays = [
        (stay.site.code, stay.began_at, stay.ended_at)
        for stay in Presence.objects.select_related("site").filter(chip=row).order_by("id")
    ]
    latest = Sighting.objects.select_related("site").filter(chip=row).first()
    return [*stays, (latest.site.code, latest.present_since, latest.seen_at)] if latest else stays


steps = st.lists(
    st.tuples(
        st.sampled_from(["dc-1", "dc-2", "dc-3"]),
        st.sets(st.sampled_from(["maker-a/a", "maker-a/b", "maker-a/c"]), min_size=1),
        st.sampled_from([-1, 0, 1, 24, 71, 72, 73, 500]),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_stays_are_what_a_naive_reading_of_the_proofs_gives(
    world: World, steps: list[tuple[str, set[str], int]]
) -> None:
    if not Chip.objects.exists():
        register(world, ["a", "b", "c"])
    Presence.objects.all().delete()
    Sighting.objects.all().delete()
    statement = Statement.objects.earliest("pk")
    at, seen = START, []
    for number, (site, chips, hours) in enumerate(steps, start=1):
        at += timedelta(hours=hours)
        booked = [(chip, number, f"{number:064x}") for chip in sorted(chips)]
        record_sightings(booked, site=site, gap_hours=72.0, by=statement, at=at)
        seen += [Seen(chip, site, at) for chip in chips]
    for chip in ("maker-a/a", "maker-a/b", "maker-a/c"):
        assert booked_stays(chip) == naive_stays(seen, chip)


def test_steady_evidence_writes_no_interval(gateway: Gateway, standing: StandingClock) -> None:
    """Storage grows with changes and not with time."""
    chips = register(gateway.world, ["a", "b"])
    began = standing.at
    for _ in range(5):
        gateway.collect(chips)
        standing.forward(hours=24)
    assert not Presence.objects.exists()
    assert {sighting.present_since for sighting in Sighting.objects.all()} == {began}


def test_a_move_closes_the_stay_at_its_last_proof(
    gateway: Gateway, second_gateway: Gateway, standing: StandingClock
) -> None:
    (chip,) = register(gateway.world, ["a"])
    first = standing.at
    gateway.collect([chip])
    last = standing.forward(hours=24)
    gateway.collect([chip])
    moved = standing.forward(hours=10)
    second_gateway.collect([chip])
    assert booked_stays(chip) == [("dc-1", first, last), ("dc-2", moved, moved)]
