"""Findings, clusters and balances over HTTP: each reader its own, strangers nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from audits.models import Balance, Cluster
from chipledger import clock
from registry.models import Site
from registry.tokens import issue_token
from tests.integration.audits.ground import Ground
from tests.integration.audits.test_statements import finding_at
from tests.world import Party, World
from tracking.models import Transfer


def get(party: Party, path: str, **query: str) -> Any:
    token = issue_token(
        party.organisation, by=None, label="t", scopes=["read"], at=clock.now(), lifetime=timedelta(days=1)
    )
    return Client().get(f"/api/v1{path}", query, headers={"Authorization": f"Bearer {token}"})


def numbers(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [item["finding"] for item in response.json()["items"]]


@pytest.fixture
def foreign_regulator(world: World) -> Party:
    party = Party("regulator-gb")
    world.admit(party, "regulator", countries=["GB"])
    return party


def test_everybody_sees_their_own_findings_and_strangers_none(world: World, foreign_regulator: Party) -> None:
    own, foreign = finding_at("dc-1"), finding_at("dc-3")

    assert numbers(get(world.operator, "/findings")) == [own.uid.hex]
    assert numbers(get(world.second_operator, "/findings")) == [foreign.uid.hex]
    assert numbers(get(world.regulator, "/findings")) == [foreign.uid.hex, own.uid.hex]
    assert numbers(get(foreign_regulator, "/findings")) == []
    assert numbers(get(world.maker, "/findings")) == []


def test_a_stranger_gets_the_same_answer_as_for_nothing(world: World, foreign_regulator: Party) -> None:
    finding = finding_at("dc-1")

    for stranger in (world.second_operator, world.maker, foreign_regulator):
        there = get(stranger, f"/findings/{finding.uid.hex}")
        nowhere = get(stranger, "/findings/" + "0" * 32)
        assert (there.status_code, there.content) == (404, nowhere.content)
    assert get(world.operator, f"/findings/{finding.uid.hex}").status_code == 200
    assert get(world.operator, "/findings/not-a-number").status_code == 404


def test_what_is_confidential_is_for_regulators(world: World) -> None:
    finding = finding_at("dc-1", counterparty=world.second_operator.organisation)

    cited = get(world.operator, f"/findings/{finding.uid.hex}").json()
    regulator = get(world.regulator, f"/findings/{finding.uid.hex}").json()

    assert (cited["counterparty"], cited["frozen"]) == (None, {"arithmetic": {"days": 3}})
    assert (regulator["counterparty"], regulator["frozen"]["confidential"]) == (
        "operator-b",
        {"sites": ["dc-9"]},
    )


def test_a_counterparty_sees_the_findings_of_its_transfers_only(world: World) -> None:
    here, there = Site.objects.get(code="dc-1"), Site.objects.get(code="dc-3")
    at = clock.now()
    transfer = Transfer.objects.create(
        digest=b"t" * 32, statement_id=1, sender=here.organisation, consignee=there.organisation, from_site=here,
        to_site=there, quantity=1, outstanding=1, dispatched_at=at, estimated_arrival=at, due_at=at, recorded_at=at,
    )  # fmt: skip
    shared = finding_at("dc-3", counterparty=here.organisation, transfer=transfer, rule="overdue_receipt")
    finding_at("dc-3", counterparty=here.organisation, rule="unbooked_presence")

    response = get(world.operator, "/findings")

    assert numbers(response) == [shared.uid.hex]
    assert response.json()["items"][0]["counterparty"] == "operator-a"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"severity": "4"}, ["grave"]),
        ({"rule": "declared_loss"}, ["loss"]),
        ({"state": "closed"}, ["closed"]),
        ({"state": "unresolved"}, ["grave", "loss", "german"]),
        ({"organisation": "operator-b"}, ["german"]),
        ({"site": "dc-2"}, ["loss"]),
        ({"country": "DE"}, ["german"]),
    ],
)
def test_findings_are_narrowed_by_the_address(
    world: World, query: dict[str, str], expected: list[str]
) -> None:
    made = {
        "grave": finding_at("dc-1", severity=4),
        "closed": finding_at("dc-1", severity=3, state="closed", closing="cleared", closed_at=clock.now()),
        "loss": finding_at("dc-2", severity=2, rule="declared_loss"),
        "german": finding_at("dc-3", severity=1),
    }

    assert numbers(get(world.regulator, "/findings", **query)) == [made[name].uid.hex for name in expected]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"rule": "x"}, "unknown_rule"),
        ({"severity": "6"}, "bad_severity"),
        ({"severity": "²"}, "bad_severity"),
        ({"state": "x"}, "unknown_state"),
    ],
)
def test_a_filter_that_means_nothing_is_refused(world: World, query: dict[str, str], code: str) -> None:
    response = get(world.regulator, "/findings", **query)

    assert (response.status_code, response.json()["code"]) == (400, code)


def test_a_page_of_findings_costs_as_many_queries_as_it_did(
    world: World, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(20):
        finding_at("dc-1", counterparty=world.second_operator.organisation)
    token = issue_token(
        world.regulator.organisation,
        by=None,
        label="t",
        scopes=["read"],
        at=clock.now(),
        lifetime=timedelta(days=1),
    )
    headers = {"Authorization": f"Bearer {token}"}
    Client().get("/api/v1/findings", headers=headers)

    with django_assert_num_queries(3):  # the token, the page, the note of what a regulator read
        response = Client().get("/api/v1/findings", headers=headers)

    assert len(response.json()["items"]) == 20


def test_clusters_and_balances_are_read_the_same_way(world: World, foreign_regulator: Party) -> None:
    site, at = Site.objects.get(code="dc-1"), clock.now()
    policy = Ground.policy(None, "line", regulator=world.regulator.organisation, above_tpp=5)
    for key, tpp in (("dc-1", 9), ("dc-2", 4)):
        Cluster.objects.create(
            policy=policy, key=key, organisation=site.organisation, site=site, countries=["US"], members=[key],
            member_count=1, chips=1, tpp=tpp, fp16_gflops=1, memory_mb=1, is_above=tpp > 5, one_is_enough=tpp > 5,
            is_declared=True, is_shared=False, measured_at=at,
        )  # fmt: skip
    figures = dict.fromkeys(
        ["on_hand", "installed", "in_transit", "lost", "stolen", "retired", "destroyed", "exported", "seen_hardware",
         "seen_inspected", "seen_host", "seen_weaker", "unaccounted"], 1,
    )  # fmt: skip
    Balance.objects.create(organisation=site.organisation, site=site, measured_at=at, **figures)

    for reader, clusters, balances in (
        (world.operator, ["dc-1", "dc-2"], ["dc-1"]),
        (world.regulator, ["dc-1", "dc-2"], ["dc-1"]),
        (world.second_operator, [], []),
        (foreign_regulator, [], []),
    ):
        assert [item["key"] for item in get(reader, "/clusters").json()["items"]] == clusters
        assert [item["site"] for item in get(reader, "/balances").json()["items"]] == balances
    assert [item["key"] for item in get(world.operator, "/clusters", above="true").json()["items"]] == [
        "dc-1"
    ]
    assert get(world.regulator, "/balances", site="dc-2").json()["items"] == []
