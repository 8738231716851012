"""Filing statements over HTTP: the outcome of each, alone and in batches, and who may hand in what."""

from __future__ import annotations

from typing import Any

import pytest

from chipledger import base64s
from chipledger.dsse import parse_envelope
from chipledger.manifests import Shape
from chipledger.statements.registry import ChipsCommissioned, ModelPublished, SiteDeclared
from ledger import door, integrator
from ledger.models import Statement
from registry.models import ChipModel, Site
from tests.integration.api.caller import Caller, problem_of, refused
from tests.integration.api.test_tokens import a_model
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def maker(world: World) -> Caller:
    return Caller(world.maker)


def model(world: World, code: str, **fields: Any) -> bytes:
    return world.envelope(ModelPublished, by=world.maker, **{**a_model(), "code": code, **fields})


def batch(*raws: bytes, atomic: bool = False) -> dict[str, object]:
    return {"envelopes": [base64s.encode(raw) for raw in raws], "atomic": atomic}


def test_a_new_statement_is_created_and_the_same_again_is_known(world: World, maker: Caller) -> None:
    raw = model(world, "maker-a-one")
    first, again = maker.post("/statements", raw), maker.post("/statements", raw)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    said = first.json()
    assert said["digest"] == parse_envelope(raw).digest.hex()
    assert (said["kind"], said["state"], said["position"], said["job"]) == (
        "model.published",
        "accepted",
        None,
        None,
    )
    integrator.integrate()
    assert maker.post("/statements", raw).json()["position"] == Statement.objects.count() - 1


def test_a_statement_that_names_a_manifest_is_acknowledged_with_its_job(world: World, maker: Caller) -> None:
    manifest = world.upload(world.maker, Shape.COMMISSION, [("maker-a-h100", "S1", "")])
    raw = world.envelope(ChipsCommissioned, by=world.maker, site="fab-1", manifest=manifest)
    answer = maker.post("/statements", raw)
    assert (answer.status_code, answer.json()["state"], answer.json()["accepted_at"]) == (202, "queued", None)
    assert maker.get(f"/jobs/{answer.json()['job']}").json()["state"] == "queued"
    assert maker.post("/statements", raw).json()["job"] == answer.json()["job"]


def test_each_envelope_of_a_batch_has_its_own_verdict(world: World, maker: Caller) -> None:
    raws = [model(world, "maker-a-one"), b"{", model(world, "maker-a-one"), model(world, "maker-a-two")]
    raws.append(world.envelope(SiteDeclared, by=world.operator, **a_site("dc-9")))
    answer = maker.post("/statements/batch", batch(*raws, raws[0]))
    assert answer.status_code == 200, answer.content
    outcomes = answer.json()["outcomes"]
    assert [each["state"] for each in outcomes] == [
        "accepted", "refused", "refused", "accepted", "refused", "accepted",
    ]  # fmt: skip
    assert outcomes[1]["problem"]["code"] == "json_malformed"
    assert outcomes[4]["problem"]["code"] == "submitted_for_another"
    assert ChipModel.objects.filter(code__in=["maker-a-one", "maker-a-two"]).count() == 2
    assert not Site.objects.filter(code="dc-9").exists()


def test_an_atomic_batch_with_one_refusal_books_nothing_and_names_the_place(
    world: World, maker: Caller
) -> None:
    first, good = model(world, "maker-a-one"), model(world, "maker-a-two")
    bad = good.replace(b'"signatures"', b'"signature"')
    count = Statement.objects.count()
    problem = problem_of(maker.post("/statements/batch", batch(first, bad, atomic=True)))
    assert problem["field"].startswith("envelopes.1")
    assert Statement.objects.count() == count
    assert maker.post("/statements/batch", batch(first, good, atomic=True)).status_code == 200
    assert Statement.objects.count() == count + 2


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"envelopes": []},
        {"envelopes": "x"},
        {"envelopes": ["e30="] * 101},
        {"envelopes": ["e30="], "atomic": 1},
    ],
    ids=["empty", "none", "text", "too many", "flag"],
)
def test_a_malformed_batch_is_refused_as_a_whole(maker: Caller, wrong: dict[str, object]) -> None:
    assert refused(maker.post("/statements/batch", wrong)) == (400, "bad_batch")


def test_an_envelope_in_a_batch_that_is_no_base64_is_named(maker: Caller) -> None:
    problem = problem_of(maker.post("/statements/batch", {"envelopes": ["e30=", "%"]}))
    assert (problem["code"], problem["field"]) == ("base64_malformed", "envelopes.1")


def test_nobody_hands_in_the_envelope_of_another_organisation(world: World, maker: Caller) -> None:
    raw = world.envelope(SiteDeclared, by=world.operator, **a_site("dc-9"))
    assert refused(maker.post("/statements", raw)) == (403, "submitted_for_another")
    assert not Site.objects.filter(code="dc-9").exists()
    assert Caller(world.operator).post("/statements", raw).status_code == 201


def test_a_statement_is_read_back_byte_for_byte_with_its_proofs(world: World, maker: Caller) -> None:
    raw = model(world, "maker-a-one")
    digest = maker.post("/statements", raw).json()["digest"]
    for proof in ("receipt", "bundle"):
        assert refused(maker.get(f"/statements/{digest}/{proof}")) == (409, "not_integrated")
    integrator.integrate()
    read = base64s.decode(maker.get(f"/statements/{digest}").json()["envelope"], field="envelope")
    assert parse_envelope(read).payload == parse_envelope(raw).payload
    assert maker.get(f"/statements/{digest}/receipt").content.startswith(b"c2sp.org/tlog-proof@v1\n")
    assert maker.get(f"/statements/{digest}/bundle").json()


def test_a_strangers_statement_does_not_exist(world: World) -> None:
    raw = world.envelope(SiteDeclared, by=world.operator, **a_site("dc-9"))
    digest = door.submit(raw).digest.hex()
    integrator.integrate()
    stranger, owner = Caller(world.second_operator), Caller(world.operator)
    for path in (f"/statements/{digest}", f"/statements/{digest}/receipt", f"/statements/{digest}/bundle"):
        assert refused(stranger.get(path)) == refused(stranger.get(path.replace(digest, "0" * 64)))
        assert refused(stranger.get(path)) == (404, "not_found")
        assert owner.get(path).status_code == 200


def test_reading_a_statement_costs_few_queries(
    world: World, maker: Caller, django_assert_num_queries: Any
) -> None:
    digest = maker.post("/statements", model(world, "maker-a-one")).json()["digest"]
    with django_assert_num_queries(3):  # token, statement, position
        maker.get(f"/statements/{digest}")


def a_site(code: str) -> dict[str, object]:
    return {
        "code": code,
        "name": code,
        "country": "US",
        "latitude_e7": 325_000_000,
        "longitude_e7": -998_000_000,
        "power_kw": 1000,
        "slots": 1000,
    }
