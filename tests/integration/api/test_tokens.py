"""Tokens: kept as hashes, ending by themselves, opening only what their scopes say."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chipledger import clock
from chipledger.statements.registry import ModelPublished
from registry.models import ApiToken
from tests.integration.api.caller import Caller, problem_of, refused
from tests.world import World

pytestmark = pytest.mark.django_db


def test_the_secret_of_a_token_is_kept_nowhere(world: World) -> None:
    caller = Caller(world.operator)
    kept = ApiToken.objects.values_list().get()
    assert caller.secret.startswith("clt_")
    assert not any(caller.secret in str(value) or caller.secret[4:] in str(value) for value in kept)


@pytest.mark.parametrize(
    "ended",
    [{"expires_at": clock.now() - timedelta(days=1)}, {"revoked_at": clock.now()}],
    ids=["expired", "revoked"],
)
def test_a_token_that_has_ended_is_told_so_with_a_challenge(world: World, ended: dict[str, object]) -> None:
    caller = Caller(world.operator)
    ApiToken.objects.update(**ended)
    answer = caller.get("/chips")
    assert refused(answer) == (401, "authentication_failed")
    assert answer["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["Bearer clt_guess", "Bearer", "Basic YTpi", "bearer  x", "Bearer \x00"])
def test_a_wrong_header_opens_nothing(world: World, header: str) -> None:
    assert Caller(None).get("/chips", headers={"authorization": header}).status_code == 401


def test_a_token_that_reads_writes_nothing(world: World) -> None:
    reading = Caller(world.maker, ["read"])
    raw = world.envelope(ModelPublished, by=world.maker, **a_model())
    for path in ("/statements", "/statements/batch", "/manifests", "/nonces"):
        assert refused(reading.post(path, raw)) == (403, "permission_denied"), path
    assert reading.get("/models").status_code == 200


def test_a_gateways_token_files_evidence_and_nothing_else(world: World) -> None:
    gateway = Caller(world.maker, ["attest"])
    raw = world.envelope(ModelPublished, by=world.maker, **a_model())
    problem = problem_of(gateway.post("/statements", raw))
    assert (problem["code"], problem["value"]) == ("scope_too_narrow", "model.published")
    assert gateway.post("/nonces", {"site": "fab-1"}).status_code == 201
    assert refused(gateway.post("/statements/batch", {})) == (403, "permission_denied")
    assert refused(gateway.get("/chips")) == (403, "permission_denied")


def test_the_use_of_a_token_is_noted_once_in_a_while(world: World) -> None:
    caller = Caller(world.operator)
    caller.get("/models")
    first = ApiToken.objects.get().last_used_at
    caller.get("/models")
    assert first is not None
    assert ApiToken.objects.get().last_used_at == first


def test_a_token_opens_no_page_of_people(world: World) -> None:
    caller = Caller(world.operator)
    assert refused(caller.get("/tokens")) == (403, "role_too_low")


def a_model() -> dict[str, object]:
    return {
        "code": "maker-a-next",
        "name": "Next",
        "gflops": {"fp16": 1_000_000},
        "tpp": 16_000,
        "memory_mb": 96_000,
        "memory_kind": "HBM3",
        "memory_bandwidth_gbs": 4_000,
        "tdp_w": 700,
    }
