"""Offline verification of whole bundles, and of every way in which one can be bent."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chipledger.bundles import EvidenceBundle
from chipledger.dsse import sign_payload
from chipledger.keys import Algorithm, PrivateKey
from chipledger.notes import NoteKey
from chipledger.refusals import Refused
from chipledger.statements.ledger import KeyAdded, KeyRevoked, KeyRotated
from chipledger.statements.registry import OrganisationSuspended
from chipledger.verification import STEPS, Report, verify_bundle
from tests.papers import (
    ALICE,
    AT,
    BOB,
    CAROL,
    GOOD,
    LOG,
    ORIGIN,
    REGULATOR,
    STRANGER,
    VKEY,
    admitted,
    bundle_of,
    genesis,
    grant,
    paper,
    said,
)


def verify(bundle: EvidenceBundle) -> Report:
    return verify_bundle(bundle.to_json(), trusted_vkey=VKEY)


def refusal_of(bundle: EvidenceBundle | bytes, vkey: str = VKEY) -> tuple[str, int]:
    with pytest.raises(Refused) as refusal:
        verify_bundle(bundle if isinstance(bundle, bytes) else bundle.to_json(), trusted_vkey=vkey)
    number = int(refusal.value.sentence.split()[1])
    assert f"({STEPS[number - 1]})" in refusal.value.sentence
    return refusal.value.code, number


def test_a_bundle_is_verified_with_nothing_but_the_log_key() -> None:
    report = verify(GOOD)
    assert [(found.kind, found.organisation, found.position) for found in report.statements] == [
        ("transfer.voided", "alice", 2),
        ("transfer.voided", "alice", 3),
    ]
    assert report.key_statements == 2
    assert report.statements[0].accepted_at == AT
    assert report.statements[0].checkpoint.size == 4


def test_added_and_rotated_keys_count_from_their_position_on() -> None:
    added = said(KeyAdded, "alice", ALICE, BOB, key=grant(BOB))
    rotated = said(KeyRotated, "alice", BOB, CAROL, retires=BOB.public.key_id, key=grant(CAROL))
    start = (genesis(), admitted("alice", ALICE))
    verify(
        bundle_of(*start, added, paper("alice", BOB), rotated, paper("alice", CAROL), paper("alice", ALICE))
    )
    assert refusal_of(bundle_of(*start, paper("alice", BOB), added)) == ("unknown_key", 2)
    assert refusal_of(bundle_of(*start, added, rotated, paper("alice", BOB))) == ("key_revoked", 2)
    unproved = said(KeyAdded, "alice", ALICE, key=grant(BOB))
    assert refusal_of(bundle_of(*start, unproved, paper("alice", BOB))) == ("signers_differ", 3)


def test_a_revocation_acts_from_its_own_position_on() -> None:
    revoked = said(KeyRevoked, "alice", ALICE, key=ALICE.public.key_id, reason="lost")
    start = (genesis(), admitted("alice", ALICE))
    verify(bundle_of(*start, paper("alice", ALICE), revoked))
    assert refusal_of(bundle_of(*start, revoked, paper("alice", ALICE))) == ("key_revoked", 2)


def test_a_suspended_organisation_signs_no_more() -> None:
    suspended = said(OrganisationSuspended, "reg", REGULATOR, handle="alice", reason="diversion")
    start = (genesis(), admitted("alice", ALICE))
    verify(bundle_of(*start, paper("alice", ALICE), suspended))
    assert refusal_of(bundle_of(*start, suspended, paper("alice", ALICE))) == ("organisation_suspended", 2)


def test_only_a_regulator_admits_and_only_owners_end_keys() -> None:
    start = (genesis(), admitted("alice", ALICE))
    by_alice = admitted("bob", BOB, by=ALICE, who="alice")
    assert refusal_of(bundle_of(*start, by_alice, paper("bob", BOB))) == ("organisation_may_not_sign", 2)
    both = (*start, admitted("bob", BOB))
    foreign = said(KeyRevoked, "bob", BOB, key=ALICE.public.key_id, reason="lost")
    assert refusal_of(bundle_of(*both, foreign, paper("alice", ALICE))) == ("unknown_key", 2)


def test_keys_that_nobody_introduced_are_refused() -> None:
    start = (genesis(), admitted("alice", ALICE))
    assert refusal_of(bundle_of(*start, paper("alice", STRANGER))) == ("unknown_key", 2)
    assert refusal_of(bundle_of(*start, paper("reg", ALICE))) == ("unknown_key", 2)
    assert refusal_of(bundle_of(admitted("alice", ALICE), genesis(), paper("alice", ALICE))) == (
        "no_genesis",
        2,
    )
    renamed = replace(GOOD.keys[1], organisation="bob")
    assert refusal_of(replace(GOOD, keys=(GOOD.keys[0], renamed))) == ("unknown_key", 2)
    paper_as_key = replace(GOOD.keys[1], source=GOOD.items[0])
    assert refusal_of(replace(GOOD, keys=(*GOOD.keys, paper_as_key))) == ("not_a_key_statement", 2)


def test_a_forged_signature_or_a_second_signer_is_refused() -> None:
    start = (genesis(), admitted("alice", ALICE))
    good = paper("alice", ALICE)
    forged = replace(good.signatures[0], sig=STRANGER.sign(good.pae))
    assert refusal_of(bundle_of(*start, replace(good, signatures=(forged,)))) == ("signature_invalid", 3)
    extra = (*good.signatures, *sign_payload(good.payload, [STRANGER]).signatures)
    assert refusal_of(bundle_of(*start, replace(good, signatures=extra))) == ("signers_differ", 3)


def test_another_time_of_acceptance_is_refused() -> None:
    moved = replace(GOOD.items[0], accepted_at=AT + timedelta(seconds=1))
    assert refusal_of(replace(GOOD, items=(moved,))) == ("inclusion_invalid", 6)


def test_another_receipt_is_refused() -> None:
    swapped = replace(GOOD.items[0], receipt=GOOD.items[1].receipt)
    assert refusal_of(replace(GOOD, items=(swapped,))) == ("inclusion_invalid", 6)


def test_an_envelope_logged_in_full_must_be_the_same_to_the_byte() -> None:
    source = GOOD.keys[0].source
    spaced = replace(source, envelope=source.envelope.replace(b":", b": ", 1))
    bent = replace(GOOD.keys[0], source=spaced)
    assert refusal_of(replace(GOOD, keys=(bent, GOOD.keys[1]))) == ("inclusion_invalid", 6)


def test_a_log_that_we_do_not_trust_is_refused() -> None:
    other = PrivateKey.generate(Algorithm.ED25519)
    assert refusal_of(bundle_of(genesis(), admitted("alice", ALICE), paper("alice", ALICE), log=other)) == (
        "note_unsigned",
        5,
    )
    assert refusal_of(GOOD, NoteKey(ORIGIN, other.public).vkey) == ("wrong_log_key", 2)
    assert refusal_of(GOOD, NoteKey("demo.other.example", LOG.public).vkey) == ("wrong_log", 1)


def test_a_statement_for_another_log_is_refused() -> None:
    elsewhere = paper("alice", ALICE, log="demo.other.example")
    assert refusal_of(bundle_of(genesis(), admitted("alice", ALICE), elsewhere)) == ("wrong_log", 5)


@pytest.mark.parametrize(
    "bend",
    [
        lambda members: members | {"format": "chipledger-bundle@v2"},
        lambda members: members | {"items": []},
        lambda members: members | {"keys": []},
        lambda members: members | {"extra": 1},
        lambda members: members | {"items": [{"envelope": "e30="}]},
        lambda members: members | {"items": [members["items"][0] | {"envelope": "!"}]},
        lambda members: members | {"items": [members["items"][0] | {"receipt": ""}]},
        lambda members: members | {"items": [members["items"][0] | {"accepted_at": "yesterday"}]},
    ],
)
def test_malformed_bundles_are_refused_at_the_first_step(
    bend: Callable[[dict[str, Any]], dict[str, Any]],
) -> None:
    bent = json.dumps(bend(json.loads(GOOD.to_json()))).encode()
    assert refusal_of(bent)[1] == 1


def test_a_truncated_bundle_is_refused() -> None:
    assert refusal_of(GOOD.to_json()[:-1]) == ("json_malformed", 1)


def test_key_statements_can_be_items_themselves() -> None:
    everything = replace(GOOD, items=tuple(key.source for key in GOOD.keys))
    assert [found.kind for found in verify(everything).statements] == [
        "ledger.founded",
        "organisation.admitted",
    ]
