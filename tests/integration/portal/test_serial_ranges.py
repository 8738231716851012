"""Registering serials that were written as ranges instead of a file."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from jobs.models import Job, JobState
from portal.models import Draft
from registry.models import Chip
from tests.integration.portal.registering import MODEL, check, rejected_file, sign
from tests.people import browse_as, person_of
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(world: World) -> Client:
    return browse_as(person_of(world.maker))


def test_ranges_of_serials_are_registered_like_a_file_of_them(browser: Client, world: World) -> None:
    job = check(browser, world, serials="R001..R003, S-7\nT0001-7..T0002-7", model=MODEL)
    assert job.state == JobState.SUCCEEDED, job.problem
    draft = Draft.objects.get()
    assert draft.notes["Given as"] == "serials, R001..R003, S-7 T0001-7..T0002-7"
    sign(browser, world, draft)
    assert sorted(Chip.objects.values_list("serial", flat=True)) == [
        "R001",
        "R002",
        "R003",
        "S-7",
        "T0001-7",
        "T0002-7",
    ]


def test_many_serials_wait_for_a_worker_however_short_they_are_written(browser: Client, world: World) -> None:
    assert check(browser, world, serials="R1..R20001", model=MODEL).state == JobState.QUEUED


def test_faults_in_ranges_are_shown_beside_the_text_by_line_and_item(browser: Client, world: World) -> None:
    said = {"site": "fab-1", "key": world.maker.key.public.key_id, "model": MODEL}
    answer = browser.post(reverse("register-batch"), {**said, "serials": "A9..A1\nB1, C?"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "This range runs backwards" in page
    assert "C?" in page.partition("Rows at fault")[2]
    assert "A9..A1\nB1, C?" in page  # the text is still in its field
    assert not Job.objects.filter(kind="portal.check-batch").exists()


def test_serials_registered_already_are_faults_of_a_range_too(browser: Client, world: World) -> None:
    world.commission(["R2"], keyed=False)
    job = check(browser, world, serials="R1..R3", model=MODEL)
    assert [(row["row"], row["value"]) for row in rejected_file(browser, job)] == [("2", "R2")]
