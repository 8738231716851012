"""The main job, from the first key to a proof that a stranger checks offline: the command, HTTP, every process."""

from __future__ import annotations

import csv
import json
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from chipledger import base64s, clock
from chipledger.dsse import sign_payload
from chipledger.keys import Algorithm, PrivateKey
from chipledger.notes import NoteKey
from chipledger.statements import common_fields, write_payload
from chipledger.statements.common import KeyGrant, SignerRef, format_instant
from chipledger.statements.ledger import KeyAdded
from tests.house import ORIGIN, House, Member, eventually

CHIPS, SENT, ATTESTING = 2000, 500, 8
SHORT = "maker-h/H000007"

# What was filed lasts as long as the house, a session: tests that xdist moves between workers may come back here later.


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tour")


@pytest.fixture(scope="session")
def device_keys() -> dict[str, PrivateKey]:
    return {f"H{number:06d}": PrivateKey.generate(Algorithm.P256) for number in range(CHIPS)}


@pytest.fixture(scope="session")
def registered(house: House, folder: Path, device_keys: dict[str, PrivateKey]) -> dict[str, Any]:
    """The maker registers its batch."""
    source = folder / "batch.csv"
    with source.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(("serial", "model", "device_key"))
        table.writerows((serial, "maker-h-h100", key.public.base64) for serial, key in device_keys.items())
    maker = house.members["maker-h"]
    return house.cli("register", source, "--site", "fab-h", *signing(maker), by=maker)


@pytest.fixture(scope="session")
def dispatched(house: House, folder: Path, registered: dict[str, Any]) -> dict[str, Any]:
    """The maker sends a quarter of the batch to the operator."""
    serials = folder / "delivery.csv"
    serials.write_text("chip\n" + "".join(f"maker-h/H{number:06d}\n" for number in range(SENT)))
    maker = house.members["maker-h"]
    words = ["--chips", serials, "--from-site", "fab-h", "--consignee", "operator-h", "--to-site", "dc-h"]
    arrival = format_instant(clock.now().replace(microsecond=0) + timedelta(days=2))
    return house.cli("dispatch", *words, "--estimated-arrival", arrival, *signing(maker), by=maker)


@pytest.fixture(scope="session")
def received(house: House, dispatched: dict[str, Any]) -> dict[str, Any]:
    """One chip is missing when the operator counts."""
    operator = house.members["operator-h"]
    return house.cli("receive", dispatched["digest"], "--short", SHORT, *signing(operator), by=operator)


@pytest.fixture(scope="session")
def attested(
    house: House, folder: Path, received: dict[str, Any], device_keys: dict[str, PrivateKey]
) -> dict[str, Any]:
    """Chips at the operator's site answer through a gateway with a key of its own."""
    operator = house.members["operator-h"]
    gateway = add_machine(house, operator, folder / "gateway.pem")
    devices = folder / "devices.json"
    keys = list(device_keys.items())[:ATTESTING]
    known = [
        {"chip": f"maker-h/{serial}", "pem": key.to_pem().decode()}
        for serial, key in keys
        if f"maker-h/{serial}" != SHORT
    ]
    devices.write_text(json.dumps({"chips": known}))
    words = [devices, "--site", "dc-h", "--key", gateway, "--organisation", operator.handle]
    return house.cli("attest", *words, by=operator)


def signing(member: Member) -> list[object]:
    return ["--key", member.pem, "--organisation", member.handle]


def add_machine(house: House, member: Member, pem: Path) -> Path:
    """Give a member a machine's key, which signs its own introduction too."""
    house.cli("keys", "new", "--out", pem)
    machine = PrivateKey.from_pem(pem.read_bytes())
    grant = KeyGrant(spki=machine.public.base64, purpose="machine", role="machine")
    signer = SignerRef(organisation=member.handle, key=member.key.public.key_id)
    common = common_fields(log=ORIGIN, signers=[signer], at=clock.now())
    payload = write_payload(KeyAdded.model_validate({**common, "key": grant}))
    answer = house.send(member, sign_payload(payload, [member.key, machine]).to_json())
    assert answer.status_code == 201, answer.text
    return pem


def test_a_registration_of_2000_chips_is_booked_by_the_worker(
    house: House, registered: dict[str, Any]
) -> None:
    assert registered["state"] == "accepted"
    assert registered["manifest"]["rows"] == CHIPS
    job = house.cli("status", "job", registered["job"], by=house.members["maker-h"])
    assert (job["state"], job["done"], job["total"]) == ("succeeded", CHIPS, CHIPS)


def test_a_dispatch_leaves_the_chips_under_way(house: House, dispatched: dict[str, Any]) -> None:
    operator = house.members["operator-h"]
    transfer = house.cli("status", "transfer", dispatched["digest"], by=operator)
    assert dispatched["state"] == "accepted"
    assert transfer["consignee"] == "operator-h"


def test_a_receipt_with_a_shortage_leaves_the_difference_open(
    house: House, dispatched: dict[str, Any], received: dict[str, Any]
) -> None:
    operator, maker = house.members["operator-h"], house.members["maker-h"]
    transfer = house.cli("status", "transfer", dispatched["digest"], by=operator)
    assert received["state"] == "accepted"
    assert transfer["state"] != "settled"
    assert [(each["kind"], each["name"]) for each in transfer["differences"]] == [("short", SHORT)]
    held = house.api("GET", f"/api/v1/chips/{SHORT}", by=maker).json()
    assert held["holder"] == "maker-h"
    taken = house.api("GET", "/api/v1/chips/maker-h/H000001", by=operator).json()
    assert (taken["holder"], taken["site"]) == ("operator-h", "dc-h")


def test_chips_prove_where_they_are_with_their_own_keys(house: House, attested: dict[str, Any]) -> None:
    operator = house.members["operator-h"]
    assert attested["state"] == "accepted"
    seen = house.api("GET", "/api/v1/chips/maker-h/H000001/sightings", by=operator).json()
    assert seen["freshness"] == "fresh"
    assert [(each["identity"], each["site"]) for each in seen["sightings"]] == [("hardware", "dc-h")]


def test_a_second_batch_goes_on_from_the_first(house: House, folder: Path, attested: dict[str, Any]) -> None:
    operator = house.members["operator-h"]
    words = [folder / "devices.json", "--site", "dc-h", "--key", folder / "gateway.pem"]
    again = house.cli("attest", *words, "--organisation", operator.handle, by=operator)
    assert again["state"] == "accepted"
    assert {device["seq"] for device in json.loads((folder / "devices.json").read_text())["chips"]} == {2}


@pytest.mark.parametrize("paper", ["registered", "dispatched", "received", "attested"])
def test_a_stranger_verifies_each_paper_offline(
    house: House, folder: Path, paper: str, request: pytest.FixtureRequest
) -> None:
    digest = request.getfixturevalue(paper)["digest"]
    house.wait_until_logged()
    owner = house.members["maker-h" if paper in ("registered", "dispatched") else "operator-h"]
    status = house.cli("status", "statement", digest, by=owner)
    assert status["digest"] == digest
    bundle = folder / f"{paper}.json"
    bundle.write_bytes(house.api("GET", f"/api/v1/statements/{digest}/bundle", by=owner).content)
    report = house.cli("verify", bundle, "--vkey", house.vkey())
    assert report["verified"] is True
    assert [(each["digest"], each["position"]) for each in report["statements"]] == [
        (digest, status["position"])
    ]
    another = NoteKey(ORIGIN, PrivateKey.generate(Algorithm.ED25519).public).vkey
    assert house.cli("verify", bundle, "--vkey", another, code=2)["status"] == 422


def test_a_receipt_proves_one_paper_offline(house: House, folder: Path, received: dict[str, Any]) -> None:
    operator = house.members["operator-h"]
    house.wait_until_logged()
    status = house.cli("status", "statement", received["digest"], by=operator)
    envelope, receipt = folder / "receipt.dsse", folder / "receipt.proof"
    envelope.write_bytes(base64s.decode(status["envelope"], field="envelope"))
    asked = f"/api/v1/log/proof/inclusion?digest={received['digest']}"
    receipt.write_bytes(house.api("GET", asked).content)
    words = ["--envelope", envelope, "--accepted-at", status["accepted_at"], "--vkey", house.vkey()]
    assert house.cli("verify", receipt, *words)["position"] == status["position"]


def test_a_refusal_reaches_the_command_with_its_code_and_place(
    house: House, folder: Path, registered: dict[str, Any]
) -> None:
    maker = house.members["maker-h"]
    source = folder / "again.csv"
    source.write_text("serial,model\nH000001,maker-h-h100\nNEW-1,maker-h-h100\n")
    problem = house.cli("register", source, "--site", "fab-h", *signing(maker), by=maker, code=2)
    assert (problem["row"], problem["field"], problem["value"]) == (1, "serial", "H000001")
    assert house.ask("SELECT count(*) FROM registry_chip WHERE serial = 'NEW-1'") == [(0,)]


def test_ten_gigabytes_are_refused_before_they_are_sent(house: House) -> None:
    maker = house.members["maker-h"]
    connection = HTTPConnection(house.server.removeprefix("http://"), timeout=20)
    connection.putrequest("POST", "/api/v1/statements")
    for name, value in (
        ("Content-Length", str(10 * 2**30)),
        ("Content-Type", "application/json"),
        ("Authorization", f"Bearer {maker.token}"),
    ):
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    problem = json.loads(answer.read())
    connection.close()
    assert (answer.status, problem["code"]) == (413, "too_large")


def test_the_public_log_is_served_to_anybody(house: House, received: dict[str, Any]) -> None:
    house.wait_until_logged()
    assert eventually(
        lambda: house.api("GET", "/log/checkpoint").text == (house.folder / "checkpoint").read_text(),
        "the checkpoint's copy",
    )
    size = int(house.api("GET", "/api/v1/log/checkpoint").text.splitlines()[1])
    tile = house.api("GET", f"/log/tile/0/000.p/{size}")
    assert len(tile.content) == 32 * size


def test_stock_of_day_one_is_opened_by_its_holder_from_json_lines(
    house: House, folder: Path, registered: dict[str, Any]
) -> None:
    operator = house.members["operator-h"]
    source = folder / "stock.jsonl"
    source.write_text("".join(f'{{"serial":"OLD-{each}","model":"maker-h-h100"}}\n' for each in range(3)))
    words = ["register", source, "--opened-from", "maker-h", "--site", "dc-h"]
    said = house.cli(*words, *signing(operator), by=operator)
    assert (said["state"], said["manifest"]["rows"]) == ("accepted", 3)
    chip = house.api("GET", "/api/v1/chips/maker-h/OLD-2", by=operator).json()
    assert (chip["holder"], chip["site"], chip["state"]) == ("operator-h", "dc-h", "on_hand")


def test_replay_finds_no_difference(house: House, attested: dict[str, Any]) -> None:
    house.wait_until_logged()
    assert house.differences() == []
