"""Evidence through the door: what counts, what does not and why, and what is left behind."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import datetime, timedelta

import pytest

from attestations.models import Conflict, IdentityGrade, PlaceGrade, Sighting, UsedNonce
from chipledger.dsse import parse_envelope, sign_payload
from chipledger.keys import Algorithm, PrivateKey
from chipledger.refusals import Refused
from ledger.handlers import HANDLERS
from ledger.models import Statement
from registry.models import Chip, ChipModel
from tests.integration.attestations.gateway import Gateway, StandingClock, register
from tests.world import World

pytestmark = pytest.mark.django_db


def sighting(chip: str) -> Sighting:
    return Sighting.objects.select_related("site").get(chip__serial=chip.split("/")[1])


def test_a_good_batch_becomes_the_latest_sighting_of_each_chip(
    gateway: Gateway, standing: StandingClock
) -> None:
    chips = register(gateway.world, ["a", "b", "c"])
    outcome = gateway.collect(chips)
    assert outcome.verdict == {"accepted": 3, "gap_hours": 72.0, "results": {}, "conflicts": {}}
    for chip in chips:
        seen = sighting(chip)
        assert (seen.identity, seen.place) == (IdentityGrade.HARDWARE, PlaceGrade.GATEWAY)
        assert (seen.site.code, seen.seen_at, seen.present_since) == ("dc-1", standing.at, standing.at)
        assert (seen.seq, bytes(seen.claims_sha256).hex()) == gateway.chain[chip]
        assert bytes(seen.statement.digest) == outcome.digest
    assert UsedNonce.objects.get().statement_id == outcome.statement.pk


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_chips_sign_with_each_device_algorithm(gateway: Gateway, algorithm: Algorithm) -> None:
    chips = register(gateway.world, ["a", "b"], algorithm=algorithm)
    nonce = gateway.nonce()
    items = [gateway.ask(chip, nonce) for chip in chips]
    items[1]["sig"] = items[0]["sig"]
    assert gateway.file(items, nonce=nonce).verdict["results"] == {"1": "signature_invalid"}


def test_a_forged_signature_refuses_its_item_and_not_the_batch(gateway: Gateway) -> None:
    good, forged = register(gateway.world, ["a", "b"])
    gateway.world.device_keys[forged] = PrivateKey.generate(Algorithm.P256)
    outcome = gateway.collect([good, forged])
    assert outcome.verdict["results"] == {"1": "signature_invalid"}
    assert sighting(good).seq == 1
    assert not Sighting.objects.filter(chip__serial="b").exists()


@pytest.mark.parametrize("signature", ["AAAA", "A", "AAAAA=", base64.b64encode(bytes(64)).decode()])
def test_a_signature_of_another_shape_is_invalid(gateway: Gateway, signature: str) -> None:
    good, bad = register(gateway.world, ["a", "b"])
    nonce = gateway.nonce()
    items = [gateway.ask(good, nonce), gateway.ask(bad, nonce)]
    items[1]["sig"] = signature
    assert gateway.file(items, nonce=nonce).verdict["results"] == {"1": "signature_invalid"}


def test_a_batch_in_which_nothing_counts_is_refused_with_its_first_reason(gateway: Gateway) -> None:
    (chip,) = register(gateway.world, ["a"])
    gateway.world.device_keys[chip] = PrivateKey.generate(Algorithm.P256)
    with pytest.raises(Refused, match="signature_invalid") as caught:
        gateway.collect([chip])
    assert (caught.value.code, caught.value.row, caught.value.value) == ("no_valid_evidence", 1, chip)
    assert not UsedNonce.objects.exists()


def test_every_fault_of_an_item_has_its_own_code(gateway: Gateway) -> None:
    world = gateway.world
    good, elsewhere, keyless, other_nonce, late_start = register(
        world, ["good", "site", "keyless", "nonce", "start"]
    )
    model = ChipModel.objects.get()
    Chip.objects.create(maker=model.maker, serial="bare", model=model, statement_id=model.statement_id)
    world.device_keys["maker-a/bare"] = world.device_keys[keyless]
    world.device_keys["maker-a/ghost"] = world.device_keys[keyless]
    nonce = gateway.nonce()
    items = [
        gateway.ask(good, nonce),
        gateway.ask(elsewhere, nonce, site="dc-2"),
        gateway.ask("maker-a/bare", nonce),
        gateway.ask("maker-a/ghost", nonce),
        gateway.ask(other_nonce, gateway.nonce()),
        gateway.ask(late_start, nonce, prev="00" * 32),
        gateway.ask(good, nonce),
        {"claims": '{"seq":1,"seq":2}', "sig": "AAAA"},
        {"claims": '{"seq":1.0}', "sig": "AAAA"},
        {"claims": "{}", "sig": "AAAA"},
    ]
    assert gateway.file(items, nonce=nonce).verdict["results"] == {
        "1": "site_differs",
        "2": "signature_invalid",
        "3": "signature_invalid",
        "4": "nonce_differs",
        "5": "prev_unknown",
        "6": "named_twice",
        "7": "claims_malformed",
        "8": "claims_malformed",
        "9": "claims_malformed",
    }


@pytest.mark.parametrize(
    "change",
    [{"extra": 1}, {"iat": "2026-01-31"}, {"seq": 0}, {"seq": True}, {"ueid": "maker-a"}, {"prev": "00"}],
)
def test_claims_with_anything_unknown_or_malformed_are_not_read(
    gateway: Gateway, change: dict[str, object]
) -> None:
    (chip,) = register(gateway.world, ["a"])
    nonce = gateway.nonce()
    claims = json.loads(gateway.ask(chip, nonce)["claims"]) | change
    text = json.dumps(claims)
    signature = gateway.world.device_keys[chip].sign(text.encode())
    with pytest.raises(Refused, match="claims_malformed") as caught:
        gateway.file([{"claims": text, "sig": base64.b64encode(signature).decode()}], nonce=nonce)
    assert caught.value.code == "no_valid_evidence"


def test_evidence_about_a_chip_booked_elsewhere_is_accepted(far_gateway: Gateway) -> None:
    """Book and silicon are two accounts; their difference is what audits look for."""
    (chip,) = register(far_gateway.world, ["a"])
    assert far_gateway.collect([chip]).verdict["accepted"] == 1
    assert sighting(chip).site.code == "dc-3"


def test_a_site_of_somebody_else_cannot_be_spoken_for(gateway: Gateway, world: World) -> None:
    (chip,) = register(world, ["a"])
    thief = Gateway(world, world.second_operator, "dc-1", {})
    with pytest.raises(Refused) as caught:
        thief.collect([chip])
    assert caught.value.code == "unknown_site"


def test_people_do_not_sign_evidence(gateway: Gateway, world: World) -> None:
    (chip,) = register(world, ["a"])
    world.operator.machine_key, machine = world.operator.key, world.operator.machine_key
    with pytest.raises(Refused) as caught:
        gateway.collect([chip])
    world.operator.machine_key = machine
    assert caught.value.code == "role_may_not_sign"


def test_the_same_evidence_again_changes_nothing(gateway: Gateway, standing: StandingClock) -> None:
    (chip,) = register(gateway.world, ["a"])
    nonce = gateway.nonce()
    item = gateway.ask(chip, nonce)
    first = gateway.file([item], nonce=nonce)
    standing.forward(minutes=5)
    again = gateway.file([item], nonce=gateway.nonce())
    assert again.verdict["results"] == {"0": "duplicate"}
    seen = sighting(chip)
    assert (seen.seen_at, seen.statement_id) == (first.statement.accepted_at, first.statement.pk)
    assert not Conflict.objects.exists()


def test_the_same_envelope_again_is_the_same_statement(gateway: Gateway) -> None:
    (chip,) = register(gateway.world, ["a"])
    nonce = gateway.nonce()
    envelope = gateway.envelope([gateway.ask(chip, nonce)], nonce=nonce)
    first, second = gateway.world.send(envelope), gateway.world.send(envelope)
    assert second.known
    assert second.statement == first.statement
    assert UsedNonce.objects.count() == 1


def test_a_thousand_items_are_one_batch(gateway: Gateway) -> None:
    chips = register(gateway.world, [f"s{number}" for number in range(1000)])
    assert gateway.collect(chips).verdict["accepted"] == 1000
    assert Sighting.objects.count() == 1000


def test_a_thousand_and_one_items_are_refused(gateway: Gateway) -> None:
    (chip,) = register(gateway.world, ["a"])
    nonce = gateway.nonce()
    envelope = parse_envelope(gateway.envelope([gateway.ask(chip, nonce)], nonce=nonce))
    payload = json.loads(envelope.payload)
    payload["items"] *= 1001
    with pytest.raises(Refused) as caught:
        gateway.world.send(sign_payload(json.dumps(payload).encode(), [gateway.party.machine_key]).to_json())
    assert (caught.value.code, caught.value.field) == ("bad_field", "items")


def test_a_failure_half_way_leaves_nothing(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    chips = register(gateway.world, ["a", "b"])
    before = Statement.objects.count()

    def fail(*_: object, **__: object) -> None:
        raise OSError("the machine died here")

    monkeypatch.setattr("ledger.door.append_pending", fail)
    with pytest.raises(OSError, match="died"):
        gateway.collect(chips)
    assert Statement.objects.count() == before
    assert not Sighting.objects.exists()
    assert not UsedNonce.objects.exists()


def test_the_hash_that_chips_go_on_from_is_that_of_their_exact_bytes(gateway: Gateway) -> None:
    (chip,) = register(gateway.world, ["a"])
    nonce = gateway.nonce()
    text = gateway.ask(chip, nonce)["claims"].replace(",", " , ")
    signature = base64.b64encode(gateway.world.device_keys[chip].sign(text.encode())).decode()
    gateway.file([{"claims": text, "sig": signature}], nonce=nonce)
    assert bytes(sighting(chip).claims_sha256) == hashlib.sha256(text.encode()).digest()


def test_a_batch_costs_the_same_queries_whatever_its_size(
    gateway: Gateway, django_assert_max_num_queries: object
) -> None:
    """Savepoints, key, statement and pending row of the door included; nothing is asked per chip."""
    chips = register(gateway.world, [f"s{number}" for number in range(200)])
    gateway.collect(chips)
    with django_assert_max_num_queries(18):
        gateway.collect(chips)


def test_the_answer_tells_the_gateway_when_to_come_back(gateway: Gateway, standing: StandingClock) -> None:
    """Each time the statement is asked for, the same; and not a part of what was booked."""
    outcome = gateway.collect(register(gateway.world, ["a"]))
    answer = HANDLERS["evidence.collected"].answer(outcome.statement)
    due = datetime.fromisoformat(str(answer["next_due"]))
    assert abs(due - standing.at - timedelta(hours=24)) <= timedelta(hours=1.2)
    assert answer == HANDLERS["evidence.collected"].answer(Statement.objects.get(pk=outcome.statement.pk))
    assert "next_due" not in outcome.verdict
