"""Organisations at the door: admitted, amended, suspended, and who owns whom."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from chipledger import base64s
from chipledger.keys import Algorithm, PrivateKey
from chipledger.statements.common import KeyGrant, Owner
from chipledger.statements.registry import (
    ModelPublished,
    OrganisationAdmitted,
    OrganisationAmended,
    OrganisationSuspended,
    SiteDeclared,
)
from ledger import door
from ledger.integrator import integrate
from ledger.replay import replay
from registry.models import Organisation, Ownership
from registry.queries.owners import beneficial_groups, controls
from tests.integration.registry.refusals import refused
from tests.world import Party, World

pytestmark = pytest.mark.django_db
SITE = {
    "name": "Site", "country": "US", "latitude_e7": 1, "longitude_e7": 2, "power_kw": 3, "slots": 4,
}  # fmt: skip


def owner(party: Party | str, share_bp: int, since: str = "2020-01-01") -> Owner:
    handle = party if isinstance(party, str) else party.handle
    return Owner(organisation=handle, share_bp=share_bp, since=since)


def admission(party: Party, **fields: Any) -> dict[str, Any]:
    return {
        "handle": party.handle, "name": party.handle.title(), "organisation_kind": "operator", "countries": ["US"],
        "keys": [party.grant()], **fields,
    }  # fmt: skip


def amend(world: World, party: Party, owners: list[Owner], **fields: Any) -> door.Outcome:
    facts = {
        "handle": party.handle,
        "name": party.handle.title(),
        "countries": ["US"],
        "owners": owners,
        **fields,
    }
    return world.submit(OrganisationAmended, by=world.regulator, **facts)


def test_genesis_makes_the_first_regulator_an_organisation(founded: World) -> None:
    regulator = founded.regulator.organisation
    assert (regulator.name, regulator.countries) == ("Regulator A", ["US", "DE"])


def test_an_admitted_organisation_signs_with_its_first_key(founded: World) -> None:
    newcomer = Party("newcomer")
    founded.submit(OrganisationAdmitted, by=founded.regulator, **admission(newcomer))
    outcome = founded.submit(SiteDeclared, by=newcomer, code="first-site", **SITE)
    assert outcome.state == door.State.ACCEPTED
    assert newcomer.organisation.signer.kind == "operator"


def test_an_operator_cannot_admit_anybody(world: World) -> None:
    refused(
        world,
        OrganisationAdmitted,
        "organisation_may_not_sign",
        by=world.operator,
        **admission(Party("friend")),
    )


def test_a_handle_is_given_once(world: World) -> None:
    impostor = Party(world.operator.handle)
    refused(world, OrganisationAdmitted, "handle_taken", by=world.regulator, **admission(impostor))


def test_a_key_of_another_organisation_cannot_come_in_again(world: World) -> None:
    thief = Party("thief", key=world.operator.key)
    found = refused(world, OrganisationAdmitted, "key_known", by=world.regulator, **admission(thief))
    assert found.value == world.operator.key.public.key_id


def test_first_keys_need_an_administrator_and_differ(founded: World) -> None:
    party = Party("newcomer")
    refused(
        founded, OrganisationAdmitted, "no_administrator", by=founded.regulator,
        **admission(party, keys=[party.grant("signatory")]),
    )  # fmt: skip
    refused(
        founded, OrganisationAdmitted, "key_twice", by=founded.regulator,
        **admission(party, keys=[party.grant(), party.grant("signatory")]),
    )  # fmt: skip


def test_a_p384_key_cannot_sign_for_an_organisation(founded: World) -> None:
    key = PrivateKey.generate(Algorithm.P384).public
    grant = KeyGrant(spki=base64s.encode(key.spki), purpose="statement", role="administrator")
    refused(
        founded, OrganisationAdmitted, "key_algorithm_not_allowed", by=founded.regulator,
        **admission(Party("newcomer"), keys=[grant]),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("owners", "code"),
    [
        ([owner("nobody", 100)], "unknown_owner"),
        ([owner("holding", 100)], "owns_itself"),
        ([owner("operator-a", 100), owner("operator-a", 200)], "owner_twice"),
        ([owner("operator-a", 6000), owner("operator-b", 4001)], "owners_exceed_whole"),
        ([owner("operator-a", 100, "2999-01-01")], "owner_in_future"),
        ([owner("operator-a", 100, "2021-02-30")], "no_such_day"),
    ],
)
def test_owners_that_cannot_be_are_refused(world: World, owners: list[Owner], code: str) -> None:
    refused(
        world, OrganisationAdmitted, code, by=world.regulator, **admission(Party("holding"), owners=owners)
    )


def test_amending_ends_old_shares_and_keeps_their_days(world: World) -> None:
    amend(world, world.operator, [owner(world.maker, 4000)])
    amend(world, world.operator, [owner(world.maker, 6000, "2024-05-01"), owner(world.second_operator, 1000)])
    amend(world, world.operator, [owner(world.maker, 6000, "2024-05-01")])
    shares = Ownership.objects.filter(organisation=world.operator.organisation).order_by("id")
    today = door.now().date()
    assert [(share.owner.signer.handle, share.share_bp, share.since, share.until) for share in shares] == [
        ("maker-a", 4000, date(2020, 1, 1), date(2024, 5, 1)),
        ("maker-a", 6000, date(2024, 5, 1), None),
        ("operator-b", 1000, date(2020, 1, 1), today),
    ]


def test_an_amendment_from_an_older_state_is_stale(world: World) -> None:
    party = world.operator
    first = bytes(party.organisation.statement.digest).hex()
    amend(world, party, [], name="Renamed", previous=first)
    found = refused(
        world, OrganisationAmended, "stale_previous", by=world.regulator, handle=party.handle, name="Again",
        countries=["US"], owners=[], previous=first,
    )  # fmt: skip
    assert found.status == 409
    assert party.organisation.name == "Renamed"


def test_a_suspended_organisation_cannot_sign_and_is_suspended_once(world: World) -> None:
    fields = {"handle": world.operator.handle, "reason": "missed_inspection"}
    world.submit(OrganisationSuspended, by=world.regulator, **fields)
    refused(world, SiteDeclared, "organisation_suspended", by=world.operator, code="dc-9", **SITE)
    refused(world, OrganisationSuspended, "already_suspended", by=world.regulator, **fields)


def test_a_regulator_does_not_suspend_itself(world: World) -> None:
    refused(
        world,
        OrganisationSuspended,
        "suspends_itself",
        by=world.regulator,
        handle=world.regulator.handle,
        reason="x",
    )


def test_a_regulator_of_other_countries_cannot_touch_an_organisation(world: World) -> None:
    foreign = Party("regulator-b")
    world.submit(
        OrganisationAdmitted, by=world.regulator,
        **admission(foreign, organisation_kind="regulator", countries=["JP"]),
    )  # fmt: skip
    refused(
        world,
        OrganisationSuspended,
        "outside_jurisdiction",
        by=foreign,
        handle=world.operator.handle,
        reason="x",
    )
    refused(
        world, OrganisationAmended, "outside_jurisdiction", by=foreign, handle=world.operator.handle, name="Mine",
        countries=["JP"], owners=[],
    )  # fmt: skip


def test_nobody_amends_an_organisation_that_does_not_exist(world: World) -> None:
    refused(
        world, OrganisationAmended, "unknown_organisation", by=world.regulator, handle="nobody", name="N",
        countries=["US"], owners=[],
    )  # fmt: skip


def test_an_admission_sent_twice_is_booked_once(founded: World) -> None:
    raw = founded.envelope(OrganisationAdmitted, by=founded.regulator, **admission(Party("newcomer")))
    first, second = founded.send(raw), founded.send(raw)
    assert not first.known
    assert second.known
    assert Organisation.objects.filter(signer__handle="newcomer").count() == 1


class Owners:
    """A few organisations by letter, owned as a table says, and their groups in letters again."""

    def __init__(self, world: World, letters: str) -> None:
        self.world = world
        self.parties = {letter: Party(f"org-{letter}") for letter in letters}
        for party in self.parties.values():
            world.submit(OrganisationAdmitted, by=world.regulator, **admission(party))
        self.letters = {party.organisation.pk: letter for letter, party in self.parties.items()}

    def own(self, letter: str, **shares: int) -> None:
        amend(
            self.world, self.parties[letter], [owner(self.parties[name], bp) for name, bp in shares.items()]
        )

    def groups(self) -> dict[str, str]:
        found = beneficial_groups(on=door.now().date())
        letters = self.letters
        return {
            letters[group.owner_id]: "".join(sorted(letters[member] for member in group.members))
            for group in found
        }


def test_whoever_owns_half_directly_indirectly_or_summed_heads_a_group(founded: World) -> None:
    owners = Owners(founded, "abcdefg")
    owners.own("b", a=10_000)
    owners.own("c", b=6_000)  # a holds 60 % of c along the chain
    owners.own("e", d=4_999)  # one basis point short
    owners.own("f", a=3_000, b=2_000)  # summed: 30 % + 100 % × 20 %
    owners.own("g", a=5_000, d=5_000)  # both hold half
    assert owners.groups() == {"a": "abcfg", "d": "dg"}


def test_shares_multiply_along_a_chain(founded: World) -> None:
    owners = Owners(founded, "abc")
    owners.own("b", a=6_000)
    owners.own("c", b=6_000)  # 36 % for a: b heads c itself
    assert owners.groups() == {"a": "ab", "b": "bc"}
    assert [control.share_bp for control in controls(on=door.now().date())] == [6_000, 6_000]


def test_owners_in_a_circle_form_one_group(founded: World) -> None:
    owners = Owners(founded, "abcx")
    owners.own("a", c=9_000)
    owners.own("b", a=9_000)
    owners.own("c", b=9_000)
    owners.own("x", c=9_000)
    assert owners.groups() == {"a": "abcx"}


def test_dense_cross_holdings_terminate(founded: World) -> None:
    letters = "abcdefghij"
    owners = Owners(founded, letters)
    for letter in letters:
        owners.own(letter, **{other: 1_100 for other in letters if other != letter})
    assert owners.groups() == {}


def test_a_share_that_ended_counts_no_more(founded: World) -> None:
    owners = Owners(founded, "ab")
    owners.own("b", a=10_000)
    owners.own("b")
    assert owners.groups() == {}
    yesterday = door.now().date() - timedelta(days=1)
    assert len(beneficial_groups(on=yesterday)) == 1


def test_replay_rebuilds_organisations_models_and_sites(world: World) -> None:
    amend(world, world.operator, [owner(world.maker, 4000)])
    amend(world, world.operator, [owner(world.maker, 5000, "2024-05-01")])
    world.submit(
        OrganisationSuspended, by=world.regulator, handle=world.second_operator.handle, reason="closed"
    )
    integrate()
    assert replay() == []


def test_a_machine_key_cannot_publish_a_model(world: World) -> None:
    refused(
        world, ModelPublished, "role_may_not_sign", by=world.maker, key=world.maker.machine_key, code="maker-a-x",
        name="X", gflops={"fp16": 1}, tpp=1, memory_mb=0, memory_kind="HBM3", memory_bandwidth_gbs=0, tdp_w=1,
    )  # fmt: skip
