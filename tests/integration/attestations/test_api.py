"""The silicon over HTTP: nonces for gateways, and what each reader learns of where a chip is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from attestations.nonces import open_nonce
from chipledger.keys import Algorithm, PrivateKey
from chipledger.statements.common import format_instant
from ledger import door
from registry.tokens import issue_token
from tests.integration.attestations.gateway import Gateway, StandingClock
from tests.integration.tracking.trade import Trade
from tests.world import Party, World

pytestmark = pytest.mark.django_db


def client_of(party: Party, *, scopes: tuple[str, ...] = ("read", "attest")) -> APIClient:
    secret = issue_token(
        party.organisation,
        by=None,
        label="test",
        scopes=list(scopes),
        at=door.now(),
        lifetime=timedelta(days=1),
    )
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client


def ask_nonce(party: Party, site: object, **kwargs: Any) -> Any:
    return client_of(party, **kwargs).post("/api/v1/nonces", {"site": site}, format="json")


def test_a_gateway_gets_a_nonce_for_its_site(standing: StandingClock, world: World) -> None:
    response = ask_nonce(world.operator, "dc-1")
    assert response.status_code == 201
    assert response.json()["expires_at"] == format_instant(standing.at + timedelta(minutes=15))
    assert open_nonce(response.json()["nonce"], "dc-1", "operator-a", standing.at) == standing.at


@pytest.mark.parametrize("site", ["dc-3", "nowhere"])
def test_no_nonce_for_a_site_of_others_or_of_nobody(standing: StandingClock, world: World, site: str) -> None:
    response = ask_nonce(world.operator, site)
    assert (response.status_code, response.json()["code"]) == (404, "unknown_site")


@pytest.mark.parametrize("site", ["", "Not A Slug", 7, None])
def test_a_malformed_site_is_refused_by_name(standing: StandingClock, world: World, site: object) -> None:
    response = ask_nonce(world.operator, site)
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "site"


def test_a_token_that_only_reads_gets_no_nonce(standing: StandingClock, world: World) -> None:
    assert ask_nonce(world.operator, "dc-1", scopes=("read",)).status_code == 403


def test_nobody_gets_a_nonce_without_a_token(db: None) -> None:
    assert APIClient().post("/api/v1/nonces", {"site": "dc-1"}, format="json").status_code == 401


@pytest.fixture
def moved(gateway: Gateway, far_gateway: Gateway, standing: StandingClock) -> str:
    """A chip that was at the operator's site, and is now at the second operator's."""
    (chip,) = gateway.world.commission(["a"])
    gateway.collect([chip])
    standing.forward(hours=24)
    far_gateway.collect([chip])
    return chip


def look(party: Party, chip: str) -> Any:
    return client_of(party).get(f"/api/v1/chips/{chip}/sightings")


def test_a_regulator_sees_the_whole_account_of_a_chip(moved: str, world: World, gateway: Gateway) -> None:
    found = look(world.regulator, moved).json()
    seq, prev = gateway.chain[moved]
    assert (found["chip"], found["freshness"], found["next_seq_after"], found["prev"]) == (
        moved,
        "fresh",
        seq,
        prev,
    )
    (sighting,) = found["sightings"]
    assert (sighting["identity"], sighting["place"], sighting["site"]) == ("hardware", "gateway", "dc-3")
    assert [(stay["site"], stay["is_latest"]) for stay in found["presence"]] == [
        ("dc-3", True),
        ("dc-1", False),
    ]


def test_a_regulator_keeps_what_was_seen_up_to_the_exit_of_a_chip(
    gateway: Gateway, far_gateway: Gateway, standing: StandingClock, world: World
) -> None:
    german = Party("regulator-de")
    world.admit(german, "regulator", countries=["DE"])
    trade = Trade(world)
    (chip,) = world.commission(["a"])
    trade.receive(trade.dispatch([chip], consignee="operator-b", to_site="dc-3"), by=world.second_operator)
    far_gateway.collect([chip])
    assert [each["site"] for each in look(german, chip).json()["sightings"]] == ["dc-3"]
    home = trade.dispatch([chip], by=world.second_operator, from_site="dc-3")
    trade.receive(home)
    standing.forward(hours=24)
    gateway.collect([chip])
    found = look(german, chip).json()
    assert (found["sightings"], found["freshness"]) == ([], "unseen")
    assert [(stay["site"], stay["is_latest"]) for stay in found["presence"]] == [("dc-3", False)]
    assert [each["site"] for each in look(world.regulator, chip).json()["sightings"]] == ["dc-1"]


def test_a_maker_does_not_learn_where_its_chips_are(moved: str, world: World) -> None:
    found = look(world.maker, moved).json()
    assert (found["sightings"], found["presence"]) == ([], [])
    assert "dc-" not in str(found)


@pytest.mark.parametrize("chip", ["maker-a/a", "maker-a/ghost"])
def test_a_stranger_cannot_tell_a_chip_from_none(moved: str, world: World, chip: str) -> None:
    assert look(world.operator, chip).status_code == 404


def test_the_account_of_a_chip_costs_few_queries(
    moved: str, world: World, django_assert_max_num_queries: Any
) -> None:
    """Token and its use, chip, sightings, chain, and the stays with their latest."""
    client = client_of(world.regulator)
    with django_assert_max_num_queries(8):
        client.get(f"/api/v1/chips/{moved}/sightings")


def test_a_batch_over_http_is_answered_item_by_item_and_told_when_to_come_back(gateway: Gateway) -> None:
    """The whole way of a gateway: nonce, evidence, answer; a forged item does not spoil its neighbour."""
    good, forged = gateway.world.commission(["a", "b"])
    gateway.world.device_keys[forged] = PrivateKey.generate(Algorithm.P256)
    client = client_of(gateway.party)
    nonce = client.post("/api/v1/nonces", {"site": "dc-1"}, format="json").json()["nonce"]
    envelope = gateway.envelope([gateway.ask(chip, nonce) for chip in (good, forged)], nonce=nonce)
    first = client.post("/api/v1/statements", envelope, content_type="application/json")
    assert first.status_code == 201
    assert first.json()["verdict"]["results"] == {"1": "signature_invalid"}
    assert first.json()["next_due"].endswith("Z")
    again = client.post("/api/v1/statements", envelope, content_type="application/json")
    assert (again.status_code, again.json()["next_due"]) == (200, first.json()["next_due"])
