"""What strangers, carriers and probers must not learn: contents, existence, counts."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from chipledger.keys import Algorithm, PrivateKey
from chipledger.refusals import Refused
from chipledger.statements.attestations import EvidenceCollected
from chipledger.statements.tracking import TransferDispatched
from ledger import door
from registry.models import Chip, Role
from tests.integration.api.caller import Caller, refused
from tests.integration.tracking.trade import Trade
from tests.people import browse_as, person_of
from tests.world import Party, World

pytestmark = pytest.mark.django_db


@pytest.fixture
def carrier(world: World) -> Party:
    party = Party("carrier-a")
    world.admit(party, "carrier")
    return party


def test_a_carrier_reads_its_shipment_and_not_the_papers_that_name_the_chips(
    world: World, carrier: Party
) -> None:
    trade = Trade(world)
    digest = trade.dispatch(world.commission(["SECRET-1"]), carrier=carrier.handle)
    receipt = trade.receive(digest).digest.hex()
    caller = Caller(carrier)
    assert caller.get(f"/transfers/{digest}").json()["quantity"] == 1
    for each in (digest, receipt):
        for path in ("", "/bundle", "/receipt"):
            answer = caller.get(f"/statements/{each}{path}")
            assert refused(answer) == (404, "not_found")
    assert Caller(world.operator).get(f"/statements/{digest}").status_code == 200


def test_a_carrier_that_asks_as_a_script_does_sees_no_chip_either(world: World, carrier: Party) -> None:
    digest = Trade(world).dispatch(world.commission(["SECRET-1"]), carrier=carrier.handle)
    browser = browse_as(person_of(carrier, Role.VIEWER))
    for headers in ({}, {"HX-Request": "true"}):
        answer = browser.get(reverse("receive", args=[digest]), headers=headers)
        assert "consignee" in answer.content.decode()
        assert "SECRET-1" not in answer.content.decode()


def test_a_page_of_a_list_tells_nobody_how_many_rows_there_are_of_all(world: World) -> None:
    world.commission([f"A{number:03}" for number in range(101)])
    following = Caller(world.maker).get("/chips").json()["next"]
    cursor = parse_qs(urlsplit(following).query)["cursor"][0]
    last = sorted(Chip.objects.values_list("pk", flat=True))[99]
    assert str(last).encode() not in urlsafe_b64decode(cursor)


def evidence_of(world: World, names: list[str], nonce: str) -> list[dict[str, str]]:
    return [world.evidence(name, nonce=nonce, site="dc-3", seq=1) for name in names]


def test_a_prober_cannot_tell_a_strangers_chip_from_none_by_its_evidence(world: World) -> None:
    """One honest item carries hundreds of guesses: each is answered alike, whether such a chip exists or not."""
    own, keyed = world.commission(["own", "keyed"])[::-1]
    bare = world.commission(["bare"], keyed=False)[0]
    nonce = Caller(world.second_operator).post("/nonces", {"site": "dc-3"}).json()["nonce"]
    for guessed in (keyed, bare, "maker-a/ghost", "nobody/ghost"):
        world.device_keys[guessed] = PrivateKey.generate(Algorithm.P256)
    items = evidence_of(world, [own, keyed, bare, "maker-a/ghost", "nobody/ghost"], nonce)
    machine = world.second_operator.machine_key
    outcome = world.submit(
        EvidenceCollected, by=world.second_operator, key=machine, site="dc-3", eat_nonce=nonce, items=items
    )
    results: Any = outcome.verdict["results"]
    assert len(results) == 4
    assert len(set(results.values())) == 1


@pytest.mark.parametrize("guess", ["maker-a/keyed", "maker-a/bare", "maker-a/ghost", "nobody/ghost"])
def test_a_batch_of_one_guess_is_refused_in_the_same_words(world: World, guess: str) -> None:
    world.commission(["keyed"])
    world.commission(["bare"], keyed=False)
    nonce = Caller(world.second_operator).post("/nonces", {"site": "dc-3"}).json()["nonce"]
    world.device_keys[guess] = PrivateKey.generate(Algorithm.P256)
    with pytest.raises(Refused, match="no_valid_evidence") as caught:
        world.submit(
            EvidenceCollected,
            by=world.second_operator,
            key=world.second_operator.machine_key,
            site="dc-3",
            eat_nonce=nonce,
            items=evidence_of(world, [guess], nonce),
        )
    assert caught.value.sentence == (
        "Nothing in this batch counts as evidence; collect it anew. Its first item: signature_invalid. "
        "No chip registered under this name has a device key that made this signature."
    )


def test_what_is_measured_is_not_told_through_the_proxy(world: World) -> None:
    """The proxy names whom it speaks for; a scraper inside the house comes without it."""
    inside = Client().get("/metrics")
    assert inside.status_code == 200
    outside = Client().get("/metrics", headers={"x-forwarded-for": "203.0.113.9"})
    assert outside.status_code == 404
    assert b"chipledger_open_findings" not in outside.content


def test_a_dispatch_of_a_strangers_chip_and_of_none_are_refused_alike(world: World) -> None:
    world.commission(["real"])
    told = set()
    for name in ("maker-a/real", "maker-a/ghost", "nobody/ghost"):
        with pytest.raises(Refused) as caught:
            world.submit(
                TransferDispatched,
                by=world.operator,
                chips=[name],
                from_site="dc-1",
                consignee="operator-b",
                to_site="dc-3",
                dispatched_at=door.now(),
                estimated_arrival=door.now(),
            )
        told.add(json.dumps({**caught.value.as_problem(), "value": None}))
    assert len(told) == 1


def test_nobody_keeps_an_organisation_out_by_an_application_that_no_regulator_sees(world: World) -> None:
    """It would hold the handle for ever: those who could decline it do not see it."""
    spki = PrivateKey.generate(Algorithm.P256).public.base64
    asked: dict[str, Any] = {"name": "N", "kind": "operator", "email": "m@example.org", "spki": spki}
    answer = Caller(None).post("/applications", {**asked, "handle": "wanted", "countries": ["ZZ"]})
    assert refused(answer) == (422, "no_regulator")
    world.admit(Party("wanted"), "operator")


def test_a_script_that_compares_what_nobody_can_receive_any_more_is_told_why(world: World) -> None:
    digest = Trade(world).dispatch(world.commission(["S1"]))
    Trade(world).receive(digest)
    browser = browse_as(person_of(world.operator))
    answer = browser.post(reverse("receive", args=[digest]), {"found": "S1"}, headers={"HX-Request": "true"})
    assert answer.status_code == 409
    assert "This transfer is received" in answer.content.decode()
    assert "<html" not in answer.content.decode()
