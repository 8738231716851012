"""A small world from its first day to its last sweep, through the public door, on real services."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from attestations.models import Sighting
from audits.models import Policy, Sweep
from chipledger import clock as house_clock
from chipledger.clock import SimulatedClock
from chipledger.verification import verify_bundle
from ledger.bundles import bundle_of
from ledger.log_key import note_key
from ledger.models import Statement
from ledger.replay import replay
from registry.models import Chip
from simulator.drive.desk import Desk
from simulator.drive.papers import ENTRANCES
from simulator.drive.run import drive, integrate_all
from simulator.drive.stock_take import count_a_quiet_site
from simulator.ground_truth import truth_of
from simulator.plan import imagine
from simulator.plan.world import BEGAN_AT
from simulator.scoring import as_text, read_findings, score
from tracking.models import Holding, StockCount, StockDifference

CHIPS, MONTHS = 600, 2
SEED = 4276
"""A world with a receipt that missed boxes and one that misread a serial, both settled."""
AT_ONCE = 400


@pytest.fixture
def simulated_clock(tmp_path: Path, settings: Settings) -> Iterator[SimulatedClock]:
    """The house keeps a simulated clock, and expects evidence once a week."""
    settings.ATTESTATION_CADENCE_HOURS = 7 * 24
    simulated = SimulatedClock(tmp_path / "clock.json")
    simulated.set(BEGAN_AT)
    before = house_clock.use(simulated)
    yield simulated
    house_clock.use(before)


@pytest.mark.django_db
def test_a_small_world_is_booked_found_replayed_and_proved(simulated_clock: SimulatedClock) -> None:
    """One long test: running the world takes ten seconds, and everything here is about the same run."""
    world = imagine(SEED, chips=CHIPS, months=MONTHS)
    driven = drive(world, simulated_clock, has_worker=False, has_integrator=False)
    integrate_all()

    assert Chip.objects.count() == Holding.objects.count()
    assert Chip.objects.count() <= CHIPS
    assert Sweep.objects.filter(finished_at__isnull=False).count() == world.weeks
    assert Policy.objects.count() == 4
    assert driven.evidence > CHIPS * world.weeks / 2
    assert driven.not_accepted <= 3 * len(world.clones) * world.weeks
    assert house_clock.now() == world.ends_at
    # A job takes its time from the clock: it was done before the clock went on, so that a seed fixes it.
    filed = {paper.at for paper in world.papers if paper.body in ENTRANCES}
    kinds = [body.model_fields["kind"].default for body in ENTRANCES]
    assert set(Statement.objects.filter(kind__in=kinds).values_list("accepted_at", flat=True)) == filed
    for newcomer in world.newcomers:
        assert Holding.objects.filter(account__organisation__signer__handle=newcomer).exists()

    result = score(truth_of(world), read_findings())
    assert result.planted == 40
    assert result.recall >= 0.95, as_text(result)
    assert result.wrong == [], as_text(result)
    assert result.precision >= 0.80, as_text(result)
    assert result.honest <= 3, as_text(result)
    assert result.covered_found == result.covered, as_text(result)

    for operator in {place.organisation for place in world.places if place.real}:
        count_a_quiet_site(world, Desk(world.seed, has_worker=False), by=operator)
    assert StockCount.objects.exists()
    assert not StockDifference.objects.exists()
    integrate_all()

    assert replay() == []

    statements = list(Statement.objects.order_by("pk"))
    proved = set()
    for start in range(0, len(statements), AT_ONCE):
        bundle = bundle_of(statements[start : start + AT_ONCE]).to_json()
        report = verify_bundle(bundle, trusted_vkey=note_key().vkey)
        proved |= {statement.digest for statement in report.statements}
    assert len(proved) == len(statements)
    behind_chips = {
        *Chip.objects.values_list("statement_id", flat=True),
        *Holding.objects.values_list("movement__statement_id", flat=True),
        *Sighting.objects.values_list("statement_id", flat=True),
    }
    digests = Statement.objects.filter(pk__in=behind_chips).values_list("digest", flat=True)
    assert {bytes(digest).hex() for digest in digests} <= proved
