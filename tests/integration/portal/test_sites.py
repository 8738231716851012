"""The pages of sites: what one carries, how it attests, and the papers that describe it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from audits.actions.sweeps import sweep
from chipledger.dsse import sign_payload
from chipledger.statements.attestations import OutageDeclared
from chipledger.statements.tracking import ChipsInstalled
from ledger import door
from portal.models import Draft
from registry.models import Role, Site
from tests.integration.attestations.gateway import StandingClock
from tests.people import Scene, browse_as, person_of
from tests.world import Party, World

pytestmark = pytest.mark.django_db

BERLIN: dict[str, Any] = {
    "code": "dc-9",
    "name": "Ninth hall",
    "country": "DE",
    "latitude": "52.52",
    "longitude": "13.405",
    "slots": 512,
    "power_kw": 900,
    "links": "dc-1 400000\n\nfab-1 100",
}


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def sign(client: Client, by: Party) -> int:
    draft = Draft.objects.latest("created_at")
    envelope = sign_payload(bytes(draft.payload), [by.key]).to_json()
    answer = client.post(
        reverse("draft", args=[draft.pk]), {"envelope_file": SimpleUploadedFile("e.json", envelope)}
    )
    return answer.status_code


@pytest.fixture
def operator(scene: Scene) -> Client:
    return browse_as(person_of(scene.world.operator))


def key_of(scene: Scene) -> dict[str, str]:
    return {"key": scene.world.operator.key.public.key_id}


def test_a_site_is_declared_by_a_signed_paper(scene: Scene, operator: Client) -> None:
    assert operator.post(reverse("declare-site"), BERLIN | key_of(scene)).status_code == 302
    said = json.loads(bytes(Draft.objects.get().payload))
    assert (said["latitude_e7"], said["longitude_e7"]) == (525_200_000, 134_050_000)
    assert said["links"] == [{"site": "dc-1", "mbit_s": 400_000}, {"site": "fab-1", "mbit_s": 100}]
    assert sign(operator, scene.world.operator) == 302
    site = Site.objects.get(code="dc-9")
    assert (site.name, site.slots, site.power_kw) == ("Ninth hall", 512, 900)
    assert "52.5200, 13.4050" in text_of(operator, reverse("site", args=["dc-9"]))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"code": "dc-1"}, "A site of this code is declared; choose another code."),
        ({"country": "de"}, "Write a country as two capital letters"),
        ({"latitude": "91"}, "less than or equal to 90"),
        ({"longitude": "NaN"}, "Enter a number."),
        ({"slots": "-1"}, "greater than or equal to 0"),
        ({"links": "dc-1 fast"}, "Line 1, “dc-1 fast”: write the code"),
        ({"links": "no-such-site 5"}, "No site has this code; see that it is right."),
        ({"links": "dc-9 5"}, "A site has no link to itself; leave it out."),
        ({"name": "Hall\u202e"}, "name"),
    ],
    ids=["known", "country", "latitude", "longitude", "slots", "link", "unknown", "itself", "hidden-text"],
)
def test_a_wrong_description_is_refused_with_a_sentence(
    scene: Scene, operator: Client, change: dict[str, str], sentence: str
) -> None:
    answer = operator.post(reverse("declare-site"), BERLIN | key_of(scene) | change)
    assert answer.status_code in (404, 409, 422)
    assert sentence in answer.content.decode()
    assert not Draft.objects.exists()


def test_of_two_amendments_the_second_is_told_that_the_site_has_moved_on(
    scene: Scene, operator: Client
) -> None:
    address = reverse("amend-site", args=["dc-1"])
    form = operator.get(address).context["form"]
    said = {name: form[name].value() for name in BERLIN} | key_of(scene)
    assert operator.post(address, said | {"slots": 64}).status_code == 302
    first = Draft.objects.latest("created_at")
    assert operator.post(address, said | {"slots": 32, "country": "FR"}).status_code == 302
    assert json.loads(bytes(Draft.objects.latest("created_at").payload))["country"] != "FR"
    assert sign(operator, scene.world.operator) == 302
    assert Site.objects.get(code="dc-1").slots == 32

    envelope = sign_payload(bytes(first.payload), [scene.world.operator.key]).to_json()
    answer = operator.post(
        reverse("draft", args=[first.pk]), {"envelope_file": SimpleUploadedFile("e.json", envelope)}
    )
    assert answer.status_code == 409
    assert Site.objects.get(code="dc-1").slots == 32


def test_who_may_not_describe_a_site_is_told_why(scene: Scene) -> None:
    viewer = browse_as(person_of(scene.world.operator, Role.VIEWER))
    assert "This needs the role preparer; yours is viewer. Ask an administrator." in text_of(
        viewer, reverse("sites")
    )
    assert viewer.post(reverse("declare-site"), BERLIN).status_code == 403
    assert viewer.post(reverse("amend-site", args=["dc-1"]), BERLIN).status_code == 403
    regulator = browse_as(person_of(scene.world.regulator))
    assert "may not sign site.declared" in text_of(regulator, reverse("sites"))
    refused = regulator.get(reverse("amend-site", args=["dc-1"]))
    assert refused.status_code == 403
    assert "Only the operator of a site" in refused.content.decode()
    stranger = browse_as(person_of(scene.world.second_operator))
    assert stranger.get(reverse("site", args=["dc-1"])).status_code == 404
    assert stranger.get(reverse("amend-site", args=["dc-1"])).status_code == 404


def test_a_site_shows_what_it_carries_and_how_its_chips_attest(scene: Scene, operator: Client) -> None:
    world, now = scene.world, door.now()
    world.submit(
        ChipsInstalled,
        by=world.operator,
        site="dc-1",
        happened_at=now - timedelta(minutes=1),
        chips=sorted(scene.chips[2:12]),
    )
    world.submit(
        OutageDeclared,
        by=world.operator,
        site="dc-1",
        begins_at=now,
        ends_at=now + timedelta(hours=4),
        reason="planned_maintenance",
    )
    sweep(at=now + timedelta(days=9))
    page = operator.get(reverse("site", args=["dc-1"]))
    load, health = page.context["load"], page.context["health"]
    assert (load.on_hand, load.installed, load.kilowatts) == (20, 10, 7)  # ten chips of 700 W
    assert {line.label: line.number for line in health} == {
        "Seen by hardware": 0,
        "Late": 0,
        "Overdue": 0,
        "Missing": 10,
    }
    shown = page.content.decode()
    assert "planned_maintenance" in shown
    assert "severity=only-4" in shown
    listed = operator.get(next(line.url for line in health if line.label == "Missing"))
    assert len(listed.context["rows"]) == 10


def test_the_list_of_sites_counts_the_silent_chips_as_each_site_does(
    standing: StandingClock, world: World
) -> None:
    chips = Scene(world).chips
    for some, days in ((chips[2:12], 3), (chips[12:15], 2), (chips[15:17], 2)):
        world.submit(
            ChipsInstalled, by=world.operator, site="dc-1", happened_at=door.now(), chips=sorted(some)
        )
        standing.forward(days=days)
    sweep(at=door.now())
    operator = browse_as(person_of(world.operator))
    shown = operator.get(reverse("sites"))
    of_sites = {site.code: silent for site, _, *silent in shown.context["rows"]}
    assert [line.number for line in of_sites["dc-1"]] == [2, 3, 10]
    for code, silent in of_sites.items():
        assert silent == operator.get(reverse("site", args=[code])).context["health"][1:]
    asked = {"format": "json", "columns": ["site", "late", "overdue", "missing"]}
    rows = json.loads(b"".join(operator.get(reverse("sites"), asked)))["rows"]
    assert [row[2:] for row in rows if row[0] == "dc-1"] == [[2, 3, 10]]
    narrowed = operator.get(reverse("sites"), {"columns": ["site", "missing"]}).content.decode()
    assert "severity=only-4" in narrowed
    assert "severity=only-3" not in narrowed


@pytest.mark.parametrize("chips", [2, 12])
def test_a_site_costs_as_many_queries_for_many_chips_as_for_few(
    scene: Scene, chips: int, django_assert_num_queries: Any
) -> None:
    world = scene.world
    world.submit(
        ChipsInstalled,
        by=world.operator,
        site="dc-1",
        happened_at=door.now(),
        chips=sorted(scene.chips[2 : 2 + chips]),
    )
    sweep(at=door.now() + timedelta(days=9))
    client = browse_as(person_of(world.regulator))
    client.get("/")
    with django_assert_num_queries(3 + 13):
        client.get(reverse("site", args=["dc-1"]))


def test_the_inbox_holds_what_is_due_the_earliest_first(scene: Scene, operator: Client) -> None:
    page = operator.get(reverse("overview"))
    shown = page.content.decode()
    assert "Estimated arrival" in shown
    due = [finding.due_at for finding, *_ in page.context["findings"]]
    assert due == sorted(due)
    assert len(due) > 1
    sender = browse_as(person_of(scene.world.operator, email="sender@operator-a.example"))
    assert "Sent by you, and the receipt is overdue" not in sender.get(reverse("overview")).content.decode()
