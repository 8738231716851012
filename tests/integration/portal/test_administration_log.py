"""The log of what administrators do about people, as a list: narrowed by person, deed and period, and exported."""

from __future__ import annotations

import csv
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from chipledger import clock
from portal.actions.privacy import erase_person
from registry.actions import joining
from registry.actions.people import change_role
from registry.models import Membership, Person, Role
from tests.integration.portal.test_people import acting
from tests.people import browse_as, person_of
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def log(world: World, boss: Person, ann: Person) -> Client:
    """The boss has invited somebody and made Ann a viewer, and reads that."""
    by, now = acting(world, boss), clock.now()
    joining.invite_colleague("new@example.org", Role.VIEWER, by=by, at=now)
    change_role(Membership.objects.get(person=ann), Role.VIEWER, by=by, at=now)
    return browse_as(boss)


def lines_of(client: Client, **asked: str) -> list[dict[str, str]]:
    answer = client.get(reverse("administration-log"), asked | {"format": "csv"})
    assert answer.status_code == 200
    return list(csv.DictReader(b"".join(answer).decode().splitlines()))


def test_a_person_is_found_in_what_they_did_and_in_what_was_done_about_them(
    log: Client, boss: Person, ann: Person
) -> None:
    assert [line["deed"] for line in lines_of(log, person=boss.pseudonym)] == ["role_changed", "invited"]
    (line,) = lines_of(log, person=ann.pseudonym)
    assert (line["person"], line["person_name"]) == (ann.pseudonym, str(ann))
    assert (line["by"], line["by_name"]) == (boss.pseudonym, str(boss))
    page = log.get(reverse("administration-log"), {"person": ann.pseudonym}).content.decode()
    assert f'<option value="{ann.pseudonym}" selected>{ann}</option>' in page


def test_deeds_are_narrowed_by_what_they_are_and_by_when(log: Client) -> None:
    assert [line["deed"] for line in lines_of(log, deed="invited")] == ["invited"]
    today = clock.now().date()
    assert len(lines_of(log, since=f"{today - timedelta(days=1)}")) == 2
    assert lines_of(log, until=f"{today - timedelta(days=1)}") == []


def test_who_was_erased_is_found_by_the_pseudonym_that_leads_nowhere(
    log: Client, world: World, boss: Person, ann: Person
) -> None:
    pseudonym = ann.pseudonym
    Membership.objects.filter(person=ann).update(until=clock.now())
    erase_person(ann, by=acting(world, boss), at=clock.now())
    assert [line["person_name"] for line in lines_of(log, person=pseudonym)] == [
        f"person {pseudonym[:8]}"
    ] * 2
    page = log.get(reverse("administration-log")).content.decode()
    assert f'<a href="?person={pseudonym}">person {pseudonym[:8]}</a>' in page


def test_people_are_asked_for_by_pseudonym_and_not_by_name(log: Client, ann: Person) -> None:
    assert log.get(reverse("administration-log"), {"person": str(ann)}).status_code == 400


def test_no_export_reaches_whom_the_page_refuses_nor_another_organisation(
    log: Client, world: World, ann: Person
) -> None:
    asked = {"format": "csv"}
    assert browse_as(ann).get(reverse("administration-log"), asked).status_code == 403
    assert lines_of(browse_as(person_of(world.maker)), person=ann.pseudonym) == []
