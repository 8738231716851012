"""The search: what people hold in their hands is found, and nothing of a stranger's."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tests.people import Scene, browse_as, person_of

pytestmark = pytest.mark.django_db


def hits(client: Client, asked: str) -> list[str]:
    """The addresses that a search leads to; one exact hit leads there at once."""
    answer = client.get(reverse("search"), {"q": asked})
    if answer.status_code == 302:
        return [answer["Location"]]
    return [hit.url for _, found in answer.context["groups"] for hit in found]


@pytest.fixture
def asked(scene: Scene) -> dict[str, tuple[str, str]]:
    """What somebody types, and the page that it should lead to."""
    transfer = reverse("transfer", args=[scene.received])
    chip = reverse("chip", args=["maker-a", "A0001-7"])
    return {
        "serial": ("A0001-7", chip),
        "serial in small letters": ("a0001-7", chip),
        "chip": ("maker-a/A0001-7", chip),
        "digest": (scene.received, transfer),
        "beginning of a digest": (scene.received[:9], transfer),
        "waybill": ("NLC-2231-0097", transfer),
        "site": ("dc-1", reverse("site", args=["dc-1"])),
    }


def test_a_party_finds_it_by_whatever_name_it_has(scene: Scene, asked: dict[str, tuple[str, str]]) -> None:
    operator = browse_as(person_of(scene.world.operator))
    missed = {name: hits(operator, typed) for name, (typed, page) in asked.items()}
    assert {name: page in missed[name] for name, (_, page) in asked.items()} == dict.fromkeys(asked, True), (
        missed
    )


def test_a_stranger_finds_nothing_of_it(scene: Scene, asked: dict[str, tuple[str, str]]) -> None:
    stranger = browse_as(person_of(scene.world.second_operator))
    assert {name: hits(stranger, typed) for name, (typed, _) in asked.items()} == {name: [] for name in asked}
