"""How organisations come into a running house: genesis, letters, applications, admission."""

from __future__ import annotations

from typing import Any

from chipledger import clock
from chipledger.statements import common_fields, write_payload
from chipledger.statements.common import SignerRef
from chipledger.statements.ledger import FirstRegulator, LedgerFounded
from chipledger.statements.registry import OrganisationAdmitted
from tests.house import LINK, ORIGIN, House, Member

A_MODEL: dict[str, Any] = {
    "code": "maker-h-h100",
    "name": "H100 SXM 80 GB",
    "gflops": {"fp16": 989_500, "fp8": 1_979_000},
    "tpp": 15_832,
    "memory_mb": 80_000,
    "memory_kind": "HBM3",
    "memory_bandwidth_gbs": 3_350,
    "tdp_w": 700,
}


def place(code: str) -> dict[str, Any]:
    """The facts of a large site."""
    return {
        "code": code,
        "name": code,
        "country": "US",
        "latitude_e7": 325_000_000,
        "longitude_e7": -998_000_000,
        "power_kw": 100_000,
        "slots": 1_000_000,
    }


def found(house: House) -> Member:
    """The regulator signs the genesis offline, the host opens the log with it and invites the first administrator."""
    regulator = house.new_member("regulator-h")
    house.manage("found")
    payload = house.folder / "genesis.json"
    first = FirstRegulator(
        handle=regulator.handle, name="Regulator", countries=["US"], keys=[regulator.grant()]
    )
    signer = SignerRef(organisation=regulator.handle, key=regulator.key.public.key_id)
    common = common_fields(log=ORIGIN, signers=[signer], at=clock.now())
    genesis = LedgerFounded.model_validate(
        {**common, "log_key": house.log_key(), "regulators": [first]},
    )
    payload.write_bytes(write_payload(genesis))
    envelope = house.folder / "genesis.dsse"
    house.cli("sign", payload, "--key", regulator.pem, "--out", envelope)
    house.manage("found", "--envelope", envelope)
    letter = house.manage("invite", regulator.handle, "regulator-h@example.org").stdout
    link = LINK.search(letter)
    assert link is not None, letter
    house.accept(regulator, link[0])
    return regulator


def join(house: House, handle: str, kind: str) -> Member:
    """Apply with a key of one's own, be admitted by the regulator's signed paper, follow the letter."""
    member, regulator = house.new_member(handle), house.members["regulator-h"]
    asked = {
        "handle": handle,
        "name": handle.title(),
        "kind": kind,
        "countries": ["US"],
        "email": f"{handle}@example.org",
        "spki": member.key.public.base64,
    }
    answer = house.api("POST", "/api/v1/applications", json=asked)
    assert answer.status_code == 201, answer.text
    house.decide(regulator, handle)
    raw = regulator.envelope(
        OrganisationAdmitted,
        handle=handle,
        name=handle.title(),
        organisation_kind=kind,
        countries=["US"],
        keys=[member.grant()],
    )
    envelope = house.folder / f"{handle}.dsse"
    envelope.write_bytes(raw)
    house.cli("submit", envelope, by=regulator)
    house.accept(member, house.letter_to(handle))
    return member
