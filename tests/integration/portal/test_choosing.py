"""Choosing chips for a paper: frozen on the server under a count and a hash, and about those chips for good."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from chipledger import clock
from chipledger.dsse import sign_payload
from chipledger.statements.tracking import ChipsInstalled
from ledger import door
from portal.models import Draft, Selection
from registry.models import Role
from tests.integration.portal.test_papers import choose, file
from tests.people import Scene, browse_as, dispatch, person_of
from tests.world import World
from tracking.models import AccountKind, Holding, Transfer

pytestmark = pytest.mark.django_db


@pytest.fixture
def chips(world: World) -> list[str]:
    return world.commission([*(f"A{number:02d}" for number in range(6)), "B01"], keyed=False)


@pytest.fixture
def maker(world: World) -> Client:
    return browse_as(person_of(world.maker))


def dispatch_form(world: World, selection: str, **said: str) -> dict[str, str]:
    return {
        "selection": selection,
        "from_site": "fab-1",
        "consignee": "operator-a",
        "to_site": "dc-1",
        "estimated_arrival": (door.now() + timedelta(days=5)).date().isoformat(),
        "key": world.maker.key.public.key_id,
        **said,
    }


def test_chosen_chips_are_shown_with_their_count_and_the_hash_of_their_names(
    chips: list[str], maker: Client
) -> None:
    number = choose(maker, reverse("dispatch"), begins_with="A", first=4)
    page = maker.get(reverse("dispatch"), {"selection": number}).content.decode()
    found = Selection.objects.get()
    assert found.names.split("\n") == chips[:4]
    assert hashlib.sha256("\n".join(chips[:4]).encode()).hexdigest() == found.sha256
    assert found.sha256 in page
    assert "The first 4, whose serial begins with A" in page


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"site": "dc-1"}, [0, 1, 2, 3]),
        ({"site": "dc-1", "placement": "installed"}, [0, 1]),
        ({"site": "dc-1", "placement": "stored", "first": "1"}, [2]),
        ({"model": "maker-a-h100", "begins_with": "A03"}, [3]),
    ],
    ids=["site", "installed", "stored-first", "model-prefix"],
)
def test_a_filter_takes_exactly_the_holders_own_chips_that_fit(
    world: World, chips: list[str], wanted: dict[str, str], expected: list[int]
) -> None:
    receive(world, chips[:4])
    world.submit(ChipsInstalled, by=world.operator, site="dc-1", happened_at=door.now(), chips=chips[:2])
    choose(browse_as(person_of(world.operator)), reverse("dispatch"), **wanted)
    assert Selection.objects.get().names.split("\n") == [chips[place] for place in expected]


def receive(world: World, chips: list[str]) -> None:
    from chipledger.statements.tracking import TransferReceived

    digest = dispatch(world, chips)
    world.submit(
        TransferReceived, by=world.operator, dispatch=digest, received_at=door.now(), accepted_all=True
    )


def test_a_chip_that_leaves_after_it_was_chosen_is_refused_by_name_and_no_other_takes_its_place(
    world: World, chips: list[str], maker: Client
) -> None:
    number = choose(maker, reverse("dispatch"), begins_with="A", first=2)
    dispatch(world, chips[:1])
    answer = maker.post(reverse("dispatch"), dispatch_form(world, number))
    assert answer.status_code == 422
    assert chips[0] in answer.content.decode().partition("Rows at fault")[2]
    assert not Draft.objects.exists()


def test_the_paper_names_the_frozen_chips_and_the_authorisation(
    world: World, chips: list[str], maker: Client
) -> None:
    number = choose(maker, reverse("dispatch"), begins_with="A", first=2)
    maker.post(reverse("dispatch"), dispatch_form(world, number, authorisation="BIS D-1094/26"))
    draft = Draft.objects.get()
    assert draft.fields["chips"] == chips[:2]
    assert "BIS D-1094/26" in maker.get(reverse("draft", args=[draft.pk])).content.decode()
    assert file(maker, draft, sign_payload(bytes(draft.payload), [world.maker.key]).to_json()) == 302
    digest = bytes(Transfer.objects.get().digest).hex()
    consignee = browse_as(person_of(world.operator))
    assert "BIS D-1094/26" in consignee.get(reverse("transfer", args=[digest])).content.decode()


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({}, "Name at least one chip, or choose by one of the filters."),
        ({"chips": "A01", "begins_with": "A"}, "Name the chips or filter them, not both"),
        ({"begins_with": "Z"}, "Name at least one chip, or widen the filter."),
        ({"first": "0"}, "greater than or equal to 1"),
        ({"site": "dc-1"}, "is not one of the available choices"),
        ({"begins_with": "A%"}, "Give a beginning of letters, digits and ._- only."),
    ],
    ids=["nothing", "both", "none-fits", "first-zero", "strange-site", "bad-prefix"],
)
def test_a_choice_that_cannot_be_is_refused_with_a_sentence(
    chips: list[str], maker: Client, said: dict[str, Any], sentence: str
) -> None:
    answer = maker.post(reverse("dispatch"), said)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Selection.objects.exists()


def test_a_selection_is_not_there_for_strangers_for_other_papers_or_after_a_day(
    world: World, chips: list[str], maker: Client
) -> None:
    number = choose(maker, reverse("dispatch"), begins_with="A")
    stranger = browse_as(person_of(world.second_operator))
    assert stranger.get(reverse("dispatch"), {"selection": number}).status_code == 404
    assert maker.get(reverse("custody", args=["install"]), {"selection": number}).status_code == 404
    assert maker.get(reverse("dispatch"), {"selection": "nonsense"}).status_code == 404
    Selection.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    answer = maker.get(reverse("dispatch"), {"selection": number})
    assert answer.status_code == 404
    assert "they wait a day at most" in answer.content.decode()
    choose(maker, reverse("dispatch"), begins_with="A")
    assert Selection.objects.count() == 1  # the expired one went


@pytest.mark.parametrize("verb", ["install", "remove", "lose", "steal", "recover", "retire"])
def test_a_colleague_without_the_role_and_a_regulator_read_why_not(scene: Scene, verb: str) -> None:
    viewer = browse_as(person_of(scene.world.operator, Role.VIEWER))
    address = reverse("custody", args=[verb])
    assert (
        "This needs the role preparer; yours is viewer. Ask an administrator."
        in viewer.get(address).content.decode()
    )
    assert viewer.post(address, {"site": "dc-1"}).status_code == 403
    regulator = browse_as(person_of(scene.world.regulator))
    assert "Only organisations that hold chips" in regulator.get(address).content.decode()
    assert viewer.get(reverse("custody", args=["explode"])).status_code == 404


@pytest.mark.parametrize(
    ("verb", "wanted", "said", "account", "installed"),
    [
        ("install", {"first": "3"}, {}, AccountKind.ON_HAND, True),
        ("lose", {"first": "3"}, {"reason": "not_in_rack"}, AccountKind.LOST, False),
        ("steal", {"first": "3"}, {"report": "PD 17/3"}, AccountKind.STOLEN, False),
        ("retire", {"first": "3"}, {"reason": "end_of_life"}, AccountKind.RETIRED, False),
    ],
    ids=["install", "lose", "steal", "retire"],
)
def test_a_holder_says_what_became_of_its_chips(
    world: World,
    chips: list[str],
    maker: Client,
    verb: str,
    wanted: dict[str, str],
    said: dict[str, str],
    account: AccountKind,
    installed: bool,
) -> None:
    say(world, maker, verb, wanted, said)
    found = Holding.objects.filter(chip__serial__in=["A00", "A01", "A02"])
    assert {holding.account.kind for holding in found} == {account}
    assert {holding.installed_at is not None for holding in found} == {installed}


def say(world: World, client: Client, verb: str, wanted: dict[str, str], said: dict[str, str]) -> None:
    address = reverse("custody", args=[verb])
    answer = client.post(
        address,
        {
            "selection": choose(client, address, **wanted),
            "site": "fab-1",
            "happened_at": door.now().strftime("%Y-%m-%dT%H:%M"),
            "key": world.maker.key.public.key_id,
            **said,
        },
    )
    assert answer.status_code == 302, answer.content.decode()
    draft = Draft.objects.latest("created_at")
    assert file(client, draft, sign_payload(bytes(draft.payload), [world.maker.key]).to_json()) == 302


def test_lost_chips_are_chosen_for_recovery_by_what_they_have_in_common(
    world: World, chips: list[str], maker: Client
) -> None:
    say(world, maker, "lose", {"begins_with": "B"}, {"reason": "not_in_rack"})
    say(world, maker, "recover", {"site": "fab-1"}, {"reason": "found"})
    assert not Holding.objects.exclude(account__kind=AccountKind.ON_HAND).exists()


def test_what_is_installed_already_is_named_by_row(world: World, chips: list[str], maker: Client) -> None:
    say(world, maker, "install", {"first": "1"}, {})
    address = reverse("custody", args=["install"])
    answer = maker.post(
        address,
        {
            "selection": choose(maker, address, first="2"),
            "site": "fab-1",
            "happened_at": door.now().strftime("%Y-%m-%dT%H:%M"),
            "key": world.maker.key.public.key_id,
        },
    )
    assert answer.status_code == 422
    faults = answer.content.decode().partition("Rows at fault")[2]
    assert chips[0] in faults
    assert "This chip is in service; leave it out, or take it out of service first." in faults
    assert chips[1] not in faults


def test_choosing_costs_the_same_number_of_queries_for_few_chips_and_many(
    world: World, maker: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    world.commission([f"Q{number:03d}" for number in range(200)], keyed=False)
    maker.post(reverse("dispatch"), {"begins_with": "Q000"})
    for wanted in ({"begins_with": "Q000"}, {"begins_with": "Q"}):
        with django_assert_num_queries(BASELINE):
            maker.post(reverse("dispatch"), wanted)
    assert set(Selection.objects.values_list("count", flat=True)) == {1, 200}


BASELINE = 12
"""Who reads; the sites and models of the form; the accounts, the chips, the sweep of the expired, the frozen row."""
