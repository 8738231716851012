"""The door: what gets in, what is refused, and that nothing is booked twice."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest

from chipledger import clock
from chipledger.dsse import parse_envelope, sign_payload
from chipledger.keys import Algorithm, PrivateKey
from chipledger.refusals import Refused
from chipledger.statements import KINDS
from chipledger.statements.common import KeyGrant
from chipledger.statements.ledger import KeyAdded, KeyRevoked, KeyRotated
from chipledger.statements.registry import ModelPublished, SiteDeclared
from ledger import door
from ledger.models import Key, PendingEntry, Statement
from tests.world import Party, World

pytestmark = pytest.mark.django_db
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SITE = {
    "code": "dc-9",
    "name": "Site 9",
    "country": "US",
    "latitude_e7": 1,
    "longitude_e7": 2,
    "power_kw": 3,
    "slots": 4,
}


def refused(world: World, raw: bytes, code: str) -> Refused:
    """Submit, expect this refusal, and see that nothing at all was written."""
    before = Statement.objects.count(), PendingEntry.objects.count()
    with pytest.raises(Refused) as caught:
        world.send(raw)
    assert caught.value.code == code, caught.value
    assert before == (Statement.objects.count(), PendingEntry.objects.count())
    return caught.value


def edited(raw: bytes, **changes: object) -> bytes:
    """The envelope with another payload and the old signature."""
    envelope = json.loads(raw)
    payload = json.loads(base64.b64decode(envelope["payload"]))
    envelope["payload"] = base64.b64encode(json.dumps({**payload, **changes}).encode()).decode()
    return json.dumps(envelope).encode()


def test_genesis_makes_the_first_regulator(founded: World) -> None:
    assert founded.regulator.signer.kind == "regulator"
    assert Statement.objects.get().kind == "ledger.founded"
    assert PendingEntry.objects.count() == 1


def test_a_second_genesis_is_refused(founded: World) -> None:
    with pytest.raises(Refused, match="already_founded"):
        founded.found()


def test_a_statement_is_kept_byte_for_byte(world: World) -> None:
    raw = world.envelope(SiteDeclared, by=world.operator, **SITE)
    outcome = world.send(raw)
    kept = Statement.objects.get(digest=outcome.digest)
    assert bytes(kept.payload) == parse_envelope(raw).payload
    assert kept.signer == world.operator.signer


def test_the_same_envelope_again_is_the_same_statement(world: World) -> None:
    raw = world.envelope(SiteDeclared, by=world.operator, **SITE)
    first, count = world.send(raw), Statement.objects.count()
    again = world.send(raw)
    assert again.known
    assert again.statement == first.statement
    assert Statement.objects.count() == count


def test_a_malleated_signature_makes_no_second_statement(world: World) -> None:
    raw = world.envelope(SiteDeclared, by=world.operator, **SITE)
    first, count = world.send(raw), Statement.objects.count()
    envelope = json.loads(raw)
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    r, s = signature[:32], int.from_bytes(signature[32:], "big")
    envelope["signatures"][0]["sig"] = base64.b64encode(r + (P256_ORDER - s).to_bytes(32, "big")).decode()
    assert world.send(json.dumps(envelope).encode()).statement == first.statement
    assert Statement.objects.count() == count


def test_a_forged_payload_is_refused(world: World) -> None:
    refused(
        world,
        edited(world.envelope(SiteDeclared, by=world.operator, **SITE), name="Elsewhere"),
        "signature_invalid",
    )


def test_a_signature_by_a_key_that_only_claims_the_name_is_refused(world: World) -> None:
    stranger = PrivateKey.generate(Algorithm.P256)
    refused(world, world.envelope(SiteDeclared, by=world.operator, key=stranger, **SITE), "unknown_key")


def test_a_key_of_another_organisation_is_refused(world: World) -> None:
    key = world.second_operator.key
    refused(world, world.envelope(SiteDeclared, by=world.operator, key=key, **SITE), "unknown_key")


def test_a_statement_signed_by_more_keys_than_it_names_is_refused(world: World) -> None:
    raw = world.envelope(SiteDeclared, by=world.operator, also=[world.second_operator.key], **SITE)
    refused(world, raw, "signers_differ")


def test_a_truncated_envelope_is_refused(world: World) -> None:
    raw = world.envelope(SiteDeclared, by=world.operator, **SITE)
    with pytest.raises(Refused):
        world.send(raw[:-40])


def test_a_payload_with_a_key_twice_is_refused(world: World) -> None:
    payload = parse_envelope(world.envelope(SiteDeclared, by=world.operator, **SITE)).payload
    doubled = payload[:-1] + b',"code":"dc-8"}'
    refused(world, sign_payload(doubled, [world.operator.key]).to_json(), "json_duplicate_key")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"kind": "chips.invented"}, "unknown_kind"),
        ({"v": 2}, "unknown_version"),
        ({"colour": "red"}, "unknown_field"),
        ({"power_kw": 1.5}, "float"),
        ({"log": "demo.another/1"}, "wrong_log"),
    ],
)
def test_what_the_schema_does_not_know_is_refused(world: World, change: dict[str, object], code: str) -> None:
    payload = json.loads(parse_envelope(world.envelope(SiteDeclared, by=world.operator, **SITE)).payload)
    raw = sign_payload(json.dumps({**payload, **change}).encode(), [world.operator.key]).to_json()
    with pytest.raises(Refused) as caught:
        world.send(raw)
    assert code in caught.value.code


def test_a_kind_that_does_not_exist_is_answered_with_those_that_do(world: World) -> None:
    payload = json.loads(parse_envelope(world.envelope(SiteDeclared, by=world.operator, **SITE)).payload)
    raw = sign_payload(
        json.dumps({**payload, "kind": "chips.invented"}).encode(), [world.operator.key]
    ).to_json()
    with pytest.raises(Refused, match="unknown_kind") as caught:
        world.send(raw)
    assert all(kind in caught.value.sentence for kind in KINDS)


def test_an_expired_statement_is_refused(world: World) -> None:
    then = door.now() - timedelta(days=2)
    raw = world.envelope(
        SiteDeclared, by=world.operator, **SITE, issued_at=then, expires_at=then + timedelta(days=1)
    )
    refused(world, raw, "expired")


def test_a_statement_from_the_future_is_refused(world: World) -> None:
    then = door.now() + timedelta(hours=1)
    raw = world.envelope(
        SiteDeclared, by=world.operator, **SITE, issued_at=then, expires_at=then + timedelta(days=1)
    )
    refused(world, raw, "issued_in_future")


def test_an_organisation_signs_only_what_its_kind_may(world: World) -> None:
    raw = world.envelope(
        ModelPublished,
        by=world.operator,
        code="mine",
        name="Mine",
        gflops={"fp16": 1},
        tpp=1,
        memory_mb=1,
        memory_kind="HBM3",
        memory_bandwidth_gbs=1,
        tdp_w=1,
    )
    assert refused(world, raw, "organisation_may_not_sign").status == 403


def test_a_machine_signs_only_what_machines_may(world: World) -> None:
    raw = world.envelope(SiteDeclared, by=world.operator, key=world.operator.machine_key, **SITE)
    assert refused(world, raw, "role_may_not_sign").status == 403


def grant_of(key: PrivateKey, role: str = "signatory") -> KeyGrant:
    return KeyGrant(spki=key.public.base64, purpose="statement", role=role)


def test_a_new_key_must_prove_that_somebody_holds_it(world: World) -> None:
    new = PrivateKey.generate(Algorithm.ED25519)
    raw = world.envelope_of(KeyAdded, by=world.operator, fields={"key": grant_of(new)})
    refused(world, raw, "signers_differ")


def test_an_added_key_signs_until_it_is_revoked(world: World) -> None:
    new = PrivateKey.generate(Algorithm.ED25519)
    world.add_key(world.operator, grant_of(new), also=[new])
    world.send(world.envelope(SiteDeclared, by=world.operator, key=new, **SITE))
    world.send(
        world.envelope_of(KeyRevoked, by=world.operator, fields={"key": new.public.key_id, "reason": "lost"})
    )
    raw = world.envelope(SiteDeclared, by=world.operator, key=new, **{**SITE, "code": "dc-10"})
    refused(world, raw, "key_revoked")


def test_the_last_administrator_cannot_be_revoked(world: World) -> None:
    own = {"key": world.operator.key.public.key_id, "reason": "lost"}
    refused(world, world.envelope_of(KeyRevoked, by=world.operator, fields=own), "last_administrator")


def test_a_key_hands_over_to_its_successor(world: World) -> None:
    new = PrivateKey.generate(Algorithm.P256)
    fields = {"retires": world.operator.key.public.key_id, "key": grant_of(new, "administrator")}
    world.send(world.envelope_of(KeyRotated, by=world.operator, fields=fields, also=[new]))
    refused(world, world.envelope(SiteDeclared, by=world.operator, **SITE), "key_revoked")
    world.send(world.envelope(SiteDeclared, by=Party(world.operator.handle, key=new), **SITE))


def test_a_key_never_serves_twice(world: World) -> None:
    new = PrivateKey.generate(Algorithm.P256)
    world.add_key(world.operator, grant_of(new), also=[new])
    raw = world.envelope_of(KeyAdded, by=world.second_operator, fields={"key": grant_of(new)}, also=[new])
    refused(world, raw, "key_known")


def test_several_at_once_have_a_verdict_each(world: World) -> None:
    good = world.envelope(SiteDeclared, by=world.operator, **SITE)
    bad = edited(good, name="Elsewhere")
    first, second = door.submit_many([good, bad], atomic=False)
    assert isinstance(first, door.Outcome)
    assert isinstance(second, Refused)


def test_all_or_none_books_none_when_one_is_refused(world: World) -> None:
    good = world.envelope(SiteDeclared, by=world.operator, **SITE)
    count = Statement.objects.count()
    with pytest.raises(Refused):
        door.submit_many([good, edited(good, name="Elsewhere")], atomic=True)
    assert Statement.objects.count() == count


def test_keys_know_when_they_began(world: World) -> None:
    assert Key.objects.filter(added_at__lte=clock.now(), revoked_at__isnull=True).count() >= 7
