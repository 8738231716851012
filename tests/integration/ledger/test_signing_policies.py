"""What an organisation asks of its own signatures, kept at the door: two people above a size, no synced passkeys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings

from chipledger import base64s
from chipledger.dsse import STATEMENT_TYPE, Envelope, Signature, sign_payload
from chipledger.keys import Algorithm, PrivateKey
from chipledger.refusals import Refused
from chipledger.statements import common_fields, write_payload
from chipledger.statements.common import KeyGrant, SignerRef
from chipledger.statements.ledger import KeyAdded, SigningPolicyAdopted
from chipledger.statements.tracking import TransferDispatched, TransferReceived
from ledger import door
from ledger.integrator import integrate
from ledger.models import Key
from ledger.replay import replay
from ledger.signing_policies import policy_of
from registry.models import new_pseudonym
from tests.passkeys import BACKED_UP, BACKUP_ELIGIBLE, PRESENT, VERIFIED, sign_with_passkey
from tests.world import Party, World
from tracking.models import Transfer

SYNCED = PRESENT | VERIFIED | BACKUP_ELIGIBLE | BACKED_UP
TPP = 15_832  # of the world's one model


@dataclass
class Signatory:
    """A person of an organisation with a key of their own; with ``flags`` it is a passkey."""

    person: str = field(default_factory=new_pseudonym)
    key: PrivateKey = field(default_factory=lambda: PrivateKey.generate(Algorithm.P256))
    flags: int | None = None

    def signature(self, payload: bytes) -> Signature:
        if self.flags is None:
            return sign_payload(payload, [self.key]).signatures[0]
        return sign_with_passkey(
            self.key,
            Envelope(STATEMENT_TYPE, payload, ()).digest,
            rp_id=settings.PASSKEY_RP_ID,
            origin=settings.PASSKEY_ORIGINS[0],
            flags=self.flags,
        )


def hire(world: World, party: Party, **how: Any) -> Signatory:
    """Give a person a key; the party's own administrator's key vouches for it."""
    found = Signatory(**how)
    passkey = (
        {"purpose": "passkey", "credential": "A" * 16}
        if found.flags is not None
        else {"purpose": "statement"}
    )
    grant = KeyGrant(
        spki=base64s.encode(found.key.public.spki), role="administrator", person=found.person, **passkey
    )
    unsigned = door.read(world.envelope_of(KeyAdded, by=party, fields={"key": grant})).envelope
    signatures = (*unsigned.signatures, found.signature(unsigned.payload))
    world.send(Envelope(STATEMENT_TYPE, unsigned.payload, signatures).to_json())
    return found


def say(party: Party, kind: type[Any], *people: Signatory, **fields: Any) -> door.Outcome:
    """File a statement that these people sign."""
    named = [
        SignerRef(organisation=party.handle, key=each.key.public.key_id, person=each.person)
        for each in people
    ]
    common = common_fields(log=settings.LOG_ORIGIN, signers=named, at=door.now())
    payload = write_payload(kind(**common, **fields))
    signatures = tuple(each.signature(payload) for each in people)
    return door.submit(Envelope(STATEMENT_TYPE, payload, signatures).to_json())


def adopt(party: Party, *people: Signatory, **fields: Any) -> door.Outcome:
    present = policy_of(party.signer)
    previous = {} if present is None else {"previous": bytes(present.statement.digest).hex()}
    return say(party, SigningPolicyAdopted, *people, **{"refuses_synced": False, **previous, **fields})


def hand_over(party: Party, chips: list[str], *people: Signatory) -> door.Outcome:
    now = door.now()
    return say(
        party,
        TransferDispatched,
        *people,
        from_site="fab-1",
        consignee="operator-a",
        to_site="dc-1",
        dispatched_at=now - timedelta(days=2),
        estimated_arrival=now + timedelta(days=2),
        chips=sorted(chips),
    )


def refusal(act: Callable[[], object]) -> tuple[str, int]:
    with pytest.raises(Refused) as caught:
        act()
    return caught.value.code, caught.value.status


@pytest.fixture
def chips(world: World) -> list[str]:
    return world.commission([f"S{number:03d}" for number in range(1, 9)])


@pytest.mark.django_db
def test_above_so_many_chips_two_people_sign_a_dispatch_and_one_below(world: World, chips: list[str]) -> None:
    ann, ben = hire(world, world.maker), hire(world, world.maker)
    adopt(world.maker, ann, second_above_chips=3)
    hand_over(world.maker, chips[:3], ann)
    code, status = refusal(lambda: hand_over(world.maker, chips[3:7], ann))
    assert (code, status) == ("second_signatory_needed", 403)
    hand_over(world.maker, chips[3:7], ann, ben)
    assert sorted(Transfer.objects.values_list("quantity", flat=True)) == [3, 4]


@pytest.mark.django_db
def test_above_so_much_tpp_two_people_sign(world: World, chips: list[str]) -> None:
    ann, ben = hire(world, world.maker), hire(world, world.maker)
    adopt(world.maker, ann, second_above_tpp=2 * TPP)
    hand_over(world.maker, chips[:2], ann)
    assert refusal(lambda: hand_over(world.maker, chips[2:5], ann))[0] == "second_signatory_needed"
    hand_over(world.maker, chips[2:5], ann, ben)


@pytest.mark.django_db
def test_two_keys_of_one_person_or_of_nobody_are_not_two_people(world: World, chips: list[str]) -> None:
    ann = hire(world, world.maker)
    again = hire(world, world.maker, person=ann.person)
    adopt(world.maker, ann, second_above_chips=0)
    assert refusal(lambda: hand_over(world.maker, chips, ann, again))[0] == "second_signatory_needed"
    dispatch = {
        "from_site": "fab-1",
        "consignee": "operator-a",
        "to_site": "dc-1",
        "dispatched_at": door.now(),
        "estimated_arrival": door.now() + timedelta(days=1),
        "chips": chips,
    }
    nobodys = refusal(lambda: world.submit(TransferDispatched, by=world.maker, **dispatch))
    assert nobodys[0] == "second_signatory_needed"


@pytest.mark.django_db
def test_a_receipt_counts_what_it_takes_over(world: World, chips: list[str]) -> None:
    eve, fay = hire(world, world.operator), hire(world, world.operator)
    ann = hire(world, world.maker)
    adopt(world.operator, eve, second_above_chips=5)
    sent = hand_over(world.maker, chips, ann).digest.hex()
    whole = {"dispatch": sent, "received_at": door.now(), "accepted_all": True}
    assert (
        refusal(lambda: say(world.operator, TransferReceived, eve, **whole))[0] == "second_signatory_needed"
    )
    say(world.operator, TransferReceived, eve, **(whole | {"short": chips[:3]}))
    late = {"dispatch": sent, "received_at": door.now(), "accepted": chips[:3]}
    say(world.operator, TransferReceived, eve, fay, **late)


@pytest.mark.django_db
def test_one_person_alone_does_not_loosen_what_needs_two(world: World) -> None:
    ann, ben = hire(world, world.maker), hire(world, world.maker)
    adopt(world.maker, ann, second_above_chips=100)
    adopt(world.maker, ann, second_above_chips=50)  # tighter
    for looser in ({"second_above_chips": 51}, {}, {"second_above_tpp": 1}):
        assert (
            refusal(lambda looser=looser: adopt(world.maker, ann, **looser))[0] == "second_signatory_needed"
        )
    adopt(world.maker, ann, ben)
    assert policy_of(world.maker.signer).wants_second is False


@pytest.mark.django_db
def test_a_policy_builds_on_the_present_one(world: World) -> None:
    ann = hire(world, world.maker)
    adopt(world.maker, ann, second_above_chips=100)
    stale = refusal(lambda: adopt(world.maker, ann, second_above_chips=10, previous="ab" * 32))
    assert stale == ("stale_previous", 409)
    assert (
        refusal(lambda: adopt(world.maker, ann, second_above_chips=10, previous=None))[0] == "stale_previous"
    )


@pytest.mark.django_db
def test_a_synced_passkey_is_recorded_as_such_and_refused_where_the_policy_says_so(
    world: World, chips: list[str]
) -> None:
    bound = hire(world, world.maker, flags=PRESENT | VERIFIED)
    synced = hire(world, world.maker, flags=SYNCED)
    flags = (
        Key.objects.filter(purpose="passkey").order_by("pk").values_list("is_backup_eligible", "is_backed_up")
    )
    assert list(flags) == [(False, False), (True, True)]
    hand_over(world.maker, chips[:1], synced)
    adopt(world.maker, bound, refuses_synced=True)
    assert refusal(lambda: hand_over(world.maker, chips[1:2], synced)) == ("synced_passkey", 403)
    assert refusal(lambda: hire(world, world.maker, flags=SYNCED)) == ("synced_passkey", 403)
    hand_over(world.maker, chips[1:2], bound)


@pytest.mark.django_db
def test_nobody_refuses_synced_passkeys_who_has_no_other_administrators_key(world: World) -> None:
    synced = hire(world, world.maker, flags=SYNCED)
    Key.objects.filter(signer=world.maker.signer).exclude(purpose="passkey").delete()
    assert refusal(lambda: adopt(world.maker, synced, refuses_synced=True)) == ("locks_itself_out", 409)


@pytest.mark.django_db
def test_replay_gives_the_same_policies_and_flags(world: World, chips: list[str]) -> None:
    ann = hire(world, world.maker, flags=SYNCED)
    ben = hire(world, world.maker)
    adopt(world.maker, ann, second_above_chips=2)
    hand_over(world.maker, chips, ann, ben)
    integrate()
    assert replay() == []
