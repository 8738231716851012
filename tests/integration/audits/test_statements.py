"""Policies are published, findings explained and decided, each by whom it concerns."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from audits.actions.sweeps import sweep
from audits.models import Finding, Policy
from audits.policies import MIRI_SITE, PUBLISHED
from chipledger import clock
from chipledger.refusals import Refused
from chipledger.statements.audits import FindingDecided, FindingExplained, PolicyPublished, Threshold
from ledger import integrator
from ledger.door import now
from ledger.replay import replay
from registry.models import Site
from tests.world import Party, World


def finding_at(site_code: str, **fields: Any) -> Finding:
    site = Site.objects.get(code=site_code)
    at = clock.now()
    return Finding.objects.create(
        **{
            "rule": "stale_attestation",
            "nature": "anomaly",
            "severity": 3,
            "subject": f"chip:maker-a/{uuid.uuid4().hex[:8]}",
            "organisation": site.organisation,
            "site": site,
            "frozen": {"arithmetic": {"days": 3}, "confidential": {"sites": ["dc-9"]}},
            "began_at": at,
            "opened_at": at,
            "refreshed_at": at,
            "due_at": at + timedelta(days=7),
            **fields,
        }
    )


def explain(world: World, finding: Finding, by: Party) -> None:
    world.submit(FindingExplained, by=by, finding=finding.uid.hex, root_cause="late_filing")


def decide(world: World, finding: Finding, by: Party, decision: str = "false_alarm") -> None:
    world.submit(FindingDecided, by=by, finding=finding.uid.hex, decision=decision, reason="checked-on-site")


@pytest.fixture
def german_regulator(world: World) -> Party:
    party = Party("regulator-de")
    world.admit(party, "regulator", countries=["DE"])
    return party


@pytest.fixture
def british_regulator(world: World) -> Party:
    party = Party("regulator-gb")
    world.admit(party, "regulator", countries=["GB"])
    return party


def test_the_published_policies_can_be_put_in_force_and_replayed(world: World) -> None:
    for published in PUBLISHED:
        world.submit(PolicyPublished, by=world.regulator, **published.fields(effective_from=now()))
    integrator.integrate()

    lines = Policy.objects.order_by("code").values_list(
        "code", "above_tpp", "above_memory_mb", "networked_above_mbit_s"
    )
    assert list(lines) == [
        ("miri-cluster", 253_440, None, 25_000),
        ("miri-owner", 253_440, None, None),
        ("rahman-memory", None, 1_280_000, 25_000),
        ("rahman-owner", None, 1_280_000, None),
    ]
    assert [difference for difference in replay() if difference.table == "audits_policy"] == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"countries": ["FR"]}, "not_your_country"),
        (
            {"thresholds": [Threshold(measure="tpp", above=1), Threshold(measure="tpp", above=2)]},
            "measure_twice",
        ),
        ({"effective_until": "effective_from"}, "ends_before_it_begins"),
        ({}, "policy_known"),
    ],
)
def test_a_policy_that_contradicts_itself_or_its_author_is_refused(
    world: World, fields: dict, code: str
) -> None:
    published = MIRI_SITE.fields(effective_from=now())
    world.submit(PolicyPublished, by=world.regulator, **published)
    if "effective_until" in fields:
        fields = {"effective_until": published["effective_from"]}

    with pytest.raises(Refused) as refused:
        world.submit(PolicyPublished, by=world.regulator, **{**published, **fields})

    assert refused.value.code == code
    assert Policy.objects.count() == 1


def test_a_policy_belongs_to_the_regulator_that_published_it_first(
    world: World, german_regulator: Party
) -> None:
    world.submit(PolicyPublished, by=world.regulator, **MIRI_SITE.fields(effective_from=now()))

    with pytest.raises(Refused) as refused:
        world.submit(
            PolicyPublished, by=german_regulator, **MIRI_SITE.fields(effective_from=now() + timedelta(days=1))
        )

    assert refused.value.code == "not_your_policy"


def test_the_cited_organisation_explains_and_a_regulator_decides(
    world: World, german_regulator: Party
) -> None:
    finding = finding_at("dc-3")

    explain(world, finding, world.second_operator)
    finding.refresh_from_db()
    assert (finding.state, finding.root_cause) == (Finding.State.EXPLAINED, "late_filing")
    assert finding.explained_by is not None

    decide(world, finding, german_regulator)
    finding.refresh_from_db()
    assert (finding.state, finding.closing) == (Finding.State.CLOSED, Finding.Closing.FALSE_ALARM)
    assert finding.closed_by is not None


def test_only_the_cited_organisation_may_explain(world: World) -> None:
    finding = finding_at("dc-3", counterparty=world.operator.organisation)

    with pytest.raises(Refused) as refused:
        explain(world, finding, world.operator)

    assert (refused.value.code, refused.value.status) == ("unknown_finding", 404)


def test_a_regulator_without_a_country_in_it_does_not_learn_of_a_finding(
    world: World, british_regulator: Party
) -> None:
    finding = finding_at("dc-3")

    with pytest.raises(Refused) as refused:
        decide(world, finding, british_regulator)

    assert (refused.value.code, refused.value.status) == ("unknown_finding", 404)


def test_an_operator_may_not_decide(world: World) -> None:
    finding = finding_at("dc-1")

    with pytest.raises(Refused) as refused:
        decide(world, finding, world.operator)

    assert refused.value.code == "organisation_may_not_sign"


def test_a_closed_finding_can_neither_be_explained_nor_decided(world: World) -> None:
    finding = finding_at("dc-1")
    decide(world, finding, world.regulator)

    for act, by in ((explain, world.operator), (decide, world.regulator)):
        with pytest.raises(Refused) as refused:
            act(world, finding, by)
        assert refused.value.code == "finding_closed"


def test_an_explained_finding_still_clears_by_itself(world: World) -> None:
    finding = finding_at("dc-1")
    explain(world, finding, world.operator)

    for _ in range(2):
        sweep(at=clock.now())

    finding.refresh_from_db()
    assert (finding.closing, finding.root_cause) == (Finding.Closing.CLEARED, "late_filing")


def test_replay_leaves_findings_alone(world: World) -> None:
    finding = finding_at("dc-1")
    explain(world, finding, world.operator)
    decide(world, finding, world.regulator)
    integrator.integrate()

    differences = replay()

    finding.refresh_from_db()
    assert finding.closing == Finding.Closing.FALSE_ALARM
    assert differences == []
