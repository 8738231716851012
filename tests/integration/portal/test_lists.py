"""What every list can do: columns, saved views, and exports of exactly what is shown."""

from __future__ import annotations

import csv
import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from jobs.actions import enqueue
from ledger import door
from notices.models import Delivery, Webhook
from portal.models import SavedView
from portal.views.saved_views import LISTS
from registry.actions.people import note_deed
from registry.actions.tokens import issue_token
from registry.models import Deed, Role
from tests.people import Scene, browse_as, person_of


def body_of(answer: Any) -> bytes:
    return b"".join(answer) if answer.streaming else bytes(answer.content)


@pytest.fixture
def regulator(scene: Scene) -> Client:
    return browse_as(person_of(scene.world.regulator))


@pytest.fixture
def machines(scene: Scene) -> None:
    """A token, a job, a delivery and a deed of the regulator: what only its own programs, jobs and people leave."""
    office, now = scene.world.regulator.organisation, door.now()
    issue_token(office, by=None, label="reads", scopes=["read"], at=now, lifetime=timedelta(days=1))
    enqueue("portal.check-rows", scope=scene.world.regulator.handle, wake=False)
    webhook = Webhook.objects.create(
        organisation=office, label="desk", url="https://desk.example/", kinds=[], created_at=now
    )
    Delivery.objects.create(webhook=webhook, kind="test", made_at=now, next_attempt_at=now)
    note_deed(office, Deed.INVITED, by=None, at=now, detail="as viewer")


@pytest.mark.django_db
@pytest.mark.usefixtures("machines")
@pytest.mark.parametrize("name", LISTS)
def test_every_list_is_exported_in_three_ways_that_agree(regulator: Client, name: str) -> None:
    address = reverse(name)
    table = body_of(regulator.get(address, {"format": "csv"}))
    digest = hashlib.sha256(table).hexdigest()
    header, *rows = csv.reader(table.decode().splitlines())
    as_json = json.loads(body_of(regulator.get(address, {"format": "json"})))
    assert as_json["columns"] == header
    assert len(as_json["rows"]) == len(rows) > 0
    assert as_json["csv_sha256"] == digest
    assert as_json["checkpoint"]["size"] > 0
    printed = regulator.get(address, {"format": "print"}).content.decode()
    assert digest in printed
    assert as_json["checkpoint"]["root"] in printed


@pytest.mark.django_db
def test_an_export_has_the_columns_rows_and_words_of_the_filtered_page(regulator: Client) -> None:
    asked = {"account": "on_hand", "columns": ["chip", "since"]}
    page = regulator.get(reverse("chips"), asked).content.decode()
    assert '<th scope="col">Chip' in page.replace("  ", "").replace("\n", "").replace(" >", ">")
    assert "Holder" not in page.partition("<table")[2].partition("</thead>")[0]
    found = json.loads(body_of(regulator.get(reverse("chips"), asked | {"format": "json"})))
    assert found["columns"] == ["chip", "since"]
    assert found["filter"] == "Account: on_hand"
    assert {len(row) for row in found["rows"]} == {2}


@pytest.mark.django_db
def test_a_column_or_format_that_a_list_does_not_have_is_refused(regulator: Client) -> None:
    for asked in ({"columns": "price"}, {"format": "xlsx"}):
        assert regulator.get(reverse("chips"), asked).status_code == 400


@pytest.mark.django_db
def test_more_rows_than_can_be_printed_are_refused_with_a_sentence(
    regulator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.lists.PRINTED", 3)
    answer = regulator.get(reverse("chips"), {"format": "print"})
    assert answer.status_code == 413
    assert "narrow the filter, or take the CSV" in answer.content.decode()


def save(client: Client, name: str, query: str = "account=lost&cursor=x&format=csv", **more: str) -> Any:
    return client.post(reverse("save-view", args=["chips"]), {"name": name, "query": query, **more})


@pytest.mark.django_db
def test_a_saved_view_keeps_the_filter_and_never_the_place_in_the_list(scene: Scene) -> None:
    client = browse_as(person_of(scene.world.operator))
    assert save(client, "Lost ones").url == f"{reverse('chips')}?account=lost"
    assert "Lost ones" in client.get(reverse("chips")).content.decode()
    save(client, "Lost ones", "account=stolen")
    assert [view.query for view in SavedView.objects.all()] == ["account=stolen"]


@pytest.mark.django_db
def test_a_list_opens_by_its_default_view_and_shows_all_when_it_is_cleared(scene: Scene) -> None:
    client = browse_as(person_of(scene.world.operator))
    save(client, "Lost ones", default="on")
    assert client.get(reverse("chips")).url == f"{reverse('chips')}?account=lost"
    assert client.get(f"{reverse('chips')}?columns").status_code == 200
    save(client, "Stolen ones", "account=stolen", default="on")
    assert SavedView.objects.filter(is_default=True).count() == 1


@pytest.mark.django_db
def test_a_colleague_sees_a_shared_view_only_and_a_stranger_none(scene: Scene) -> None:
    signatory = browse_as(person_of(scene.world.operator, Role.SIGNATORY))
    save(signatory, "Shared one", shared="on")
    save(signatory, "My own")
    viewer = browse_as(person_of(scene.world.operator, Role.VIEWER))
    page = viewer.get(reverse("saved-views")).content.decode()
    assert "Shared one" in page
    assert "My own" not in page
    stranger = browse_as(person_of(scene.world.second_operator))
    assert "Shared one" not in stranger.get(reverse("saved-views")).content.decode()
    shared = SavedView.objects.get(name="Shared one")
    for client, status in ((viewer, 403), (stranger, 404)):
        assert client.post(reverse("delete-view", args=[shared.pk])).status_code == status
        assert client.post(reverse("rename-view", args=[shared.pk]), {"name": "x"}).status_code == status
    assert (
        client.post(reverse("delete-view", args=[SavedView.objects.get(name="My own").pk])).status_code == 404
    )


@pytest.mark.django_db
def test_a_viewer_does_not_share_and_a_nameless_view_is_refused_with_a_sentence(scene: Scene) -> None:
    viewer = browse_as(person_of(scene.world.operator, Role.VIEWER))
    for said in ({"name": "x", "shared": "on"}, {"name": "  "}, {"name": "x" * 81}):
        answer = viewer.post(reverse("save-view", args=["chips"]), {"query": "", **said}, follow=True)
        assert "toast" in answer.content.decode()
    assert not SavedView.objects.exists()
    assert viewer.post(reverse("save-view", args=["nothing"]), {"name": "x"}).status_code == 404


@pytest.mark.django_db
def test_a_view_is_renamed_but_not_onto_another(scene: Scene) -> None:
    client = browse_as(person_of(scene.world.operator))
    save(client, "One")
    save(client, "Two")
    two = SavedView.objects.get(name="Two")
    assert client.post(reverse("rename-view", args=[two.pk]), {"name": "One"}).status_code == 409
    assert client.post(reverse("rename-view", args=[two.pk]), {"name": "Three"}).status_code == 302
    assert set(SavedView.objects.values_list("name", flat=True)) == {"One", "Three"}
