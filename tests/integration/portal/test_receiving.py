"""Receiving on the page: every difference gets its reason, and the paper says it."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.urls import reverse

from portal.models import Draft
from tests.integration.tracking.trade import Trade
from tests.people import browse_as, person_of
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def trade(world: World) -> Trade:
    return Trade(world)


@pytest.fixture
def chips(world: World) -> list[str]:
    return world.commission([f"W{number:03d}" for number in range(1, 7)])


@pytest.fixture
def address(trade: Trade, chips: list[str]) -> str:
    return reverse("receive", args=[trade.dispatch(chips[:5])])


@pytest.fixture
def receiver(world: World) -> Client:
    return browse_as(person_of(world.operator))


def test_a_receipt_needs_a_reason_for_each_difference(
    world: World, receiver: Client, chips: list[str], address: str
) -> None:
    said = {
        "found": "\n".join([*chips[:3], "maker-a/NEVER"]),
        "damaged": chips[0],
        "key": world.operator.key.public.key_id,
        "why-short": "not_in_package",
        f"why-short:{chips[4]}": "package_missing",
    }
    refused = receiver.post(address, {**said, "prepare": "1"})
    page = refused.content.decode()
    assert refused.status_code == 422
    assert "Say of each difference why" in page
    assert page.count("Choose a reason for all of them, or one for each.") == 2  # over and damaged
    assert '<option value="package_missing" selected>' in page
    assert not Draft.objects.exists()

    answer = receiver.post(
        address, {**said, "prepare": "1", "why-over": "other_shipment", "why-damaged": "damaged_in_transit"}
    )
    assert answer.status_code == 302
    reasons = json.loads(bytes(Draft.objects.get().payload))["reasons"]
    assert {reason["chip"]: reason["why"] for reason in reasons} == {
        chips[3]: "not_in_package",
        chips[4]: "package_missing",
        "maker-a/NEVER": "other_shipment",
        chips[0]: "damaged_in_transit",
    }


def test_comparing_asks_for_no_reason_yet_and_keeps_those_chosen(
    receiver: Client, chips: list[str], address: str
) -> None:
    page = receiver.post(
        address, {"found": chips[0], "why-short": "seal_broken", "key": _key(receiver, address)}
    ).content.decode()
    assert '<option value="seal_broken" selected>' in page
    assert "Choose a reason for all of them" not in page


def test_a_reason_of_another_set_is_refused(receiver: Client, chips: list[str], address: str) -> None:
    key = _key(receiver, address)
    answer = receiver.post(
        address, {"found": "\n".join(chips[:4]), "why-short": "does_not_start", "key": key, "prepare": "1"}
    )
    assert answer.status_code == 422
    assert "does_not_start is not one of the available choices" in answer.content.decode()


def _key(receiver: Client, address: str) -> str:
    return str(receiver.get(address).context["form"].fields["key"].choices[0][0])
