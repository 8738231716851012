"""The public log under API v1: anybody reads it, and it proves inclusion and growth."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings

from chipledger import base64s, merkle
from chipledger.entries import encode_commitment
from chipledger.notes import verify_checkpoint
from chipledger.receipts import LogReceipt, verify_receipt
from ledger import integrator
from ledger.log_key import note_key
from ledger.models import Checkpoint, Entry
from tests.integration.api.caller import Caller, problem_of, refused
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def public() -> Caller:
    return Caller(None)


def test_the_checkpoint_begins_with_the_name_of_the_log_and_verifies(world: World, public: Caller) -> None:
    assert refused(public.get("/log/checkpoint")) == (404, "no_checkpoint")
    integrator.integrate()
    answer = public.get("/log/checkpoint", headers={"accept": "text/plain"})
    assert answer["Content-Type"].startswith("text/plain")
    assert answer.content.decode().partition("\n")[0] == settings.LOG_ORIGIN
    checkpoint = verify_checkpoint(answer.content.decode(), [note_key()])
    assert checkpoint.size == Entry.objects.count()


def test_an_ended_token_does_not_shut_anybody_out_of_the_public_log(world: World, public: Caller) -> None:
    integrator.integrate()
    for path in ("/log/checkpoint", "/log/proof/consistency?old=0&new=1"):
        assert public.get(path, headers={"authorization": "Bearer clt_ended"}).status_code == 200


def test_inclusion_is_proved_to_whoever_knows_the_digest(world: World, public: Caller) -> None:
    statement = world.declare_site(world.operator, "dc-9").statement
    assert statement is not None
    asked = f"/log/proof/inclusion?digest={bytes(statement.digest).hex()}"
    assert refused(public.get(asked)) == (404, "not_in_the_log")
    integrator.integrate()
    receipt = LogReceipt.parse(public.get(asked).content.decode())
    entry = encode_commitment(bytes(statement.digest), statement.accepted_at)
    assert verify_receipt(receipt, entry, [note_key()]).size == Entry.objects.count()


@pytest.mark.parametrize("digest", ["", "ab", "A" * 64, "g" * 64, "0" * 66])
def test_a_malformed_digest_is_refused_by_name(founded: World, public: Caller, digest: str) -> None:
    problem = problem_of(public.get(f"/log/proof/inclusion?digest={digest}"))
    assert (problem["status"], problem["code"]) == (400, "bad_digest")


def test_growth_is_proved_between_any_two_checkpoints(founded: World, public: Caller) -> None:
    integrator.integrate()
    founded.populate()
    integrator.integrate()
    old, new = Checkpoint.objects.order_by("size")
    lines = public.get(f"/log/proof/consistency?old={old.size}&new={new.size}").content.decode().split()
    proof = [base64s.decode(line, field="proof") for line in lines]
    merkle.verify_consistency(old.size, new.size, bytes(old.root), bytes(new.root), proof)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("", (400, "bad_size")),
        ("old=1&new=x", (400, "bad_size")),
        ("old=-1&new=1", (404, "no_such_size")),
        ("old=2&new=1", (404, "no_such_size")),
        ("old=0&new=1000000", (404, "no_such_size")),
    ],
)
def test_sizes_that_the_log_never_had_are_refused(
    world: World, public: Caller, asked: str, said: tuple[int, str]
) -> None:
    integrator.integrate()
    assert refused(public.get(f"/log/proof/consistency?{asked}")) == said


def test_reading_the_checkpoint_is_one_query(
    world: World, public: Caller, django_assert_num_queries: Any
) -> None:
    integrator.integrate()
    with django_assert_num_queries(1):
        public.get("/log/checkpoint")
