"""Every page answers to those who may see it, and is not there for a stranger."""

from __future__ import annotations

import pytest
from django.urls import reverse

from audits.models import Finding
from jobs.models import Job
from registry.models import Role
from tests.people import Scene, browse_as, person_of

LISTS = [
    *(
        "overview",
        "search",
        "drafts",
        "jobs",
        "transfers",
        "chips",
        "findings",
        "report",
        "sites",
        "clusters",
    ),
    *(
        "balances",
        "organisations",
        "log",
        "log-entries",
        "log-checkpoints",
        "keys",
        "tokens",
        "acting-for",
        "people",
        "notices",
        "notice-preferences",
        "webhooks",
        "deliveries",
        "stock-takes",
        "count-site",
    ),
]


@pytest.mark.django_db
@pytest.mark.parametrize("party", ["regulator", "maker", "operator", "second_operator"])
def test_every_list_is_shown_to_every_kind_of_organisation(scene: Scene, party: str) -> None:
    client = browse_as(person_of(getattr(scene.world, party)))
    for name in LISTS:
        assert client.get(reverse(name)).status_code == 200, name


@pytest.mark.django_db
def test_the_pages_of_single_things_are_shown_to_their_parties(scene: Scene) -> None:
    finding = Finding.objects.filter(organisation=scene.world.operator.organisation).first()
    assert finding is not None
    operator = browse_as(person_of(scene.world.operator))
    regulator = browse_as(person_of(scene.world.regulator))
    for url in (
        reverse("chip", args=["maker-a", "A0001-7"]),
        reverse("transfer", args=[scene.received]),
        reverse("transfer", args=[scene.overdue]),
        reverse("statement", args=[scene.received]),
        reverse("statement-bundle", args=[scene.received]),
        reverse("chip-bundle", args=["maker-a", "A0001-7"]),
        reverse("finding", args=[finding.uid]),
        reverse("site", args=["dc-1"]),
        reverse("organisation", args=["maker-a"]),
    ):
        assert operator.get(url).status_code == 200, url
        assert regulator.get(url).status_code == 200, url
    assert operator.get(reverse("receive", args=[scene.overdue])).status_code == 200
    assert operator.get(reverse("dispatch")).status_code == 200
    maker = browse_as(person_of(scene.world.maker))
    assert maker.get(reverse("batches")).status_code == 200
    assert maker.get(reverse("register-batch")).status_code == 200
    job = Job.objects.get(scope="maker-a")
    assert maker.get(reverse("job", args=[job.pk])).status_code == 200


@pytest.mark.django_db
def test_a_strangers_things_are_not_there(scene: Scene) -> None:
    stranger = browse_as(person_of(scene.world.second_operator))
    finding = Finding.objects.filter(organisation=scene.world.operator.organisation).first()
    assert finding is not None
    job = Job.objects.get(scope="maker-a")
    for url in (
        reverse("chip", args=["maker-a", "A0001-7"]),
        reverse("chip-bundle", args=["maker-a", "A0001-7"]),
        reverse("transfer", args=[scene.received]),
        reverse("receive", args=[scene.received]),
        reverse("statement", args=[scene.received]),
        reverse("statement-bundle", args=[scene.received]),
        reverse("stock-take", args=[scene.counted]),
        reverse("finding", args=[finding.uid]),
        reverse("site", args=["dc-1"]),
        reverse("job", args=[job.pk]),
        reverse("job-rejected", args=[job.pk]),
    ):
        assert stranger.get(url).status_code == 404, url
    assert stranger.post(reverse("job-cancel", args=[job.pk])).status_code == 404
    for name in ("chips", "transfers", "findings", "sites", "balances", "clusters"):
        page = stranger.get(reverse(name), {"format": "csv"})
        lines = b"".join(page.streaming_content).decode().splitlines()
        assert not [line for line in lines[1:] if "maker-a/A" in line or "dc-1" in line], name
    assert (
        "A0001-7"
        not in stranger.get(reverse("search"), {"q": "A0001-7"}).content.decode().partition("<main")[2]
    )


@pytest.mark.django_db
def test_the_maker_of_a_chip_does_not_learn_where_its_customer_has_it(scene: Scene) -> None:
    maker = browse_as(person_of(scene.world.maker))
    page = maker.get(reverse("chip", args=["maker-a", "A0005-7"])).content.decode()
    assert "Who holds it now is not yours to see" in page
    rows = maker.get(reverse("chips"), {"site": "dc-1"}).content.decode()
    assert "A0005-7" not in rows


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "label"), [("transfers", "File a transfer"), ("batches", "Register a batch")]
)
def test_a_colleague_without_the_role_sees_the_disabled_button_with_its_reason(
    scene: Scene, name: str, label: str
) -> None:
    viewer = browse_as(person_of(scene.world.maker, Role.VIEWER))
    page = viewer.get(reverse(name)).content.decode()
    assert 'aria-description="This needs the role preparer; yours is viewer. Ask an administrator."' in page
    assert label in page


@pytest.mark.django_db
def test_nobody_is_led_past_the_entrance_without_signing_in(scene: Scene) -> None:
    from django.test import Client

    for name in LISTS:
        answer = Client().get(reverse(name))
        assert answer.status_code == 302, name
        assert "/account/login/" in answer["Location"]
