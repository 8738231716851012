"""Who read what of others is kept: whichever page, API or export an authority opened."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError
from django.urls import reverse

from audits.models import Finding
from registry.models import Reading, Role
from tests.integration.api.caller import Caller, refused
from tests.people import Scene, browse_as, person_of
from tests.world import World

pytestmark = pytest.mark.django_db


def kept() -> list[tuple[str, str, list[str]]]:
    return [(each.person, each.address, each.kinds) for each in Reading.objects.order_by("pk")]


def test_what_a_regulator_reads_of_others_is_kept_with_who_where_and_what(world: World) -> None:
    (chip,) = world.commission(["S1"])
    person = person_of(world.regulator, Role.VIEWER)
    browser = browse_as(person)
    page = reverse("chip", args=chip.split("/"))
    export = reverse("sites") + "?format=csv&country=US"
    assert browser.get(page).status_code == 200
    assert b"".join(browser.get(export)).startswith(b"site,")
    assert Caller(world.regulator).get(f"/chips/{chip}").status_code == 200
    (who, where, what), (_, exported, sites), (program, asked, _) = kept()
    assert (who, where) == (person.pseudonym, page)
    assert {"Chip", "Holding", "Sighting"} <= set(what)
    assert (exported, "Site" in sites) == (export, True)
    assert (program, asked) == ("", f"/api/v1/chips/{chip}")
    assert {each.organisation_id for each in Reading.objects.all()} == {world.regulator.organisation.pk}


def test_a_page_that_refuses_a_form_shows_its_rows_and_is_kept(world: World) -> None:
    scene = Scene(world)
    finding = Finding.objects.filter(organisation=scene.world.operator.organisation).first()
    assert finding is not None
    page = reverse("finding", args=[finding.uid])
    browser = browse_as(person_of(world.regulator, Role.PREPARER))
    said = {"decision": "resolved", "reason": "NOT-A-CODE", "key": world.regulator.key.public.key_id}
    answer = browser.post(page, said)
    assert answer.status_code == 422
    assert [where for _, where, _ in kept()] == [page]


def test_ones_own_rows_and_published_registers_are_read_without_a_trace(world: World) -> None:
    (chip,) = world.commission(["S1"])
    assert Caller(world.maker).get(f"/chips/{chip}").status_code == 200
    assert browse_as(person_of(world.maker)).get(reverse("chips")).status_code == 200
    for path in ("/organisations", "/models"):
        assert Caller(world.regulator).get(path).status_code == 200
    assert kept() == []


def test_what_was_refused_was_not_read(world: World) -> None:
    assert Caller(world.regulator).get("/chips/maker-a/none").status_code == 404
    assert Caller(world.regulator).get("/findings?severity=9").status_code == 400
    assert kept() == []


def test_a_very_long_address_is_kept_as_far_as_it_goes(world: World) -> None:
    assert Caller(world.regulator).get(f"/sites?x={'y' * 3000}").status_code == 200
    ((_, address, _),) = kept()
    assert len(address) == 2000


@pytest.mark.parametrize(
    "change", ["UPDATE registry_reading SET address = ''", "DELETE FROM registry_reading"]
)
def test_readings_are_never_changed(world: World, change: str) -> None:
    Caller(world.regulator).get("/sites")
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        connection.cursor().execute(change)


def test_administrators_read_what_was_read_for_their_own_organisation(world: World) -> None:
    Caller(world.regulator).get("/sites")
    answer = browse_as(person_of(world.regulator)).get("/api/v1/readings")
    assert [each["address"] for each in answer.json()["items"]] == ["/api/v1/sites"]
    assert browse_as(person_of(world.maker)).get("/api/v1/readings").json()["items"] == []
    viewer = browse_as(person_of(world.regulator, Role.VIEWER)).get("/api/v1/readings")
    assert refused(viewer) == (403, "role_too_low")
