"""What a regulator sees first: its sites on the map, findings by age, clusters near a line; and Monday's list."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from audits.models import Cluster, DailyBalance, Finding
from chipledger import clock
from registry.models import Site
from tests.people import Scene, browse_as, person_of

SIGNED_IN = 3


@pytest.fixture
def regulator(scene: Scene) -> Client:
    client = browse_as(person_of(scene.world.regulator))
    client.get("/")
    return client


@pytest.mark.django_db
def test_every_cell_of_the_matrix_leads_to_exactly_its_rows(regulator: Client) -> None:
    ages = (0, 7, 8, 30, 31, 90, 91, 400)
    findings = list(Finding.objects.order_by("pk"))
    for number, finding in enumerate(findings):
        finding.opened_at = clock.now() - timedelta(days=ages[number % len(ages)])
        finding.save(update_fields=["opened_at"])
    cells = [cell for _, row in regulator.get("/").context["ages"] for cell in row]
    assert sum(cell.number for cell in cells) == len(findings)
    assert len([cell for cell in cells if cell.number]) > 2
    for cell in cells:
        assert len(regulator.get(cell.url).context["rows"]) == cell.number, cell.url


@pytest.mark.django_db
def test_the_map_has_the_sites_of_the_regulators_countries_alone(scene: Scene, regulator: Client) -> None:
    names = {place.label for place in regulator.get("/").context["places"]}
    mine = Site.objects.filter(country__in=scene.world.regulator.organisation.countries)
    assert names == set(mine.values_list("name", flat=True))
    site = mine.get(code="dc-1")
    Site.objects.filter(pk=site.pk).update(country="ZZ")
    page = regulator.get("/")
    assert site.name not in {place.label for place in page.context["places"]}
    assert reverse("site", args=["dc-1"]) not in {mark.url for mark in page.context["world"].marks}


@pytest.mark.django_db
def test_a_part_of_the_world_that_is_none_is_refused(regulator: Client) -> None:
    assert regulator.get("/", {"map": "europe"}).status_code == 200
    assert regulator.get("/", {"map": "atlantis"}).status_code == 400


@pytest.mark.django_db
def test_book_and_silicon_are_what_the_days_kept_in_the_regulators_countries(
    scene: Scene, regulator: Client
) -> None:
    site, today = Site.objects.get(code="dc-1"), clock.now()
    for days, installed, seen in ((0, 20, 17), (1, 20, 19), (14, 10, 10), (15, 9, 9)):
        DailyBalance.objects.create(
            day=(today - timedelta(days=days)).date(),
            organisation=site.organisation,
            site=site,
            installed=installed,
            seen_hardware=seen,
            measured_at=today,
        )
    readings = regulator.get("/").context["readings"]
    assert [(each.book, each.seen, each.missing) for each in readings] == [
        (20, 17, 3),
        (20, 19, 1),
        (10, 10, 0),
    ]
    stranger = browse_as(person_of(scene.world.second_operator))
    assert b"two-lines" not in stranger.get("/").content
    grown = regulator.get(reverse("monday"), {"since": f"{today - timedelta(days=5):%Y-%m-%d}"}).context[
        "grown"
    ]
    assert [(each["site__code"], each["then"], each["now"]) for each in grown] == [("dc-1", 0, 3)]


@pytest.mark.django_db
def test_clusters_near_a_line_stand_with_their_share_and_lead_to_their_policy(regulator: Client) -> None:
    cluster = Cluster.objects.select_related("policy").get(site__code="dc-1")
    Cluster.objects.exclude(pk=cluster.pk).delete()
    cluster.policy.above_tpp = cluster.tpp * 10 // 9
    cluster.policy.save()
    Cluster.objects.update(is_above=False)
    (standing,) = regulator.get("/").context["standings"]
    assert (standing.against.percent, standing.against.bar, standing.against.line) == (
        "90%",
        "45.0%",
        "50.0%",
    )
    rows = regulator.get(reverse("clusters"), {"line": "near"}).context["rows"]
    assert [each[0].pk for each in rows] == [cluster.pk]


@pytest.mark.django_db
def test_each_group_of_mondays_list_leads_to_a_list_that_begins_with_its_rows(regulator: Client) -> None:
    now = clock.now()
    first, second, third = Finding.objects.order_by("pk")[:3]
    Finding.objects.filter(pk=first.pk).update(worsened_at=now)
    Finding.objects.filter(pk=second.pk).update(
        due_at=now - timedelta(days=2), opened_at=now - timedelta(days=40)
    )
    Finding.objects.filter(pk=third.pk).update(due_at=now + timedelta(days=3))
    since = f"{now - timedelta(days=7):%Y-%m-%d}"
    groups = regulator.get(reverse("monday"), {"since": since}).context["groups"]
    found = [{finding.pk for finding, *_ in group.rows} for group in groups]
    assert second.pk not in found[0]
    assert found[1] == {first.pk}
    assert found[2] == {second.pk}
    assert third.pk in found[3]
    for group in groups:
        listed = [row[0].pk for row in regulator.get(group.url).context["rows"]]
        assert [finding.pk for finding, *_ in group.rows] == listed[: len(group.rows)], group.title


@pytest.mark.django_db
def test_mondays_list_begins_last_monday_and_refuses_a_day_to_come(regulator: Client) -> None:
    since = regulator.get(reverse("monday")).context["since"]
    assert since.weekday() == 0
    assert 1 <= (clock.now().date() - since).days <= 7
    for day in (f"{clock.now() + timedelta(days=2):%Y-%m-%d}", "yesterday"):
        assert regulator.get(reverse("monday"), {"since": day}).status_code == 400


@pytest.mark.django_db
def test_an_operator_reads_its_own_on_mondays_list_and_a_stranger_nothing(scene: Scene) -> None:
    def read(party: object) -> set[str]:
        page = browse_as(person_of(party)).get(reverse("monday"))
        return {
            finding.organisation.signer.handle
            for group in page.context["groups"]
            for finding, *_ in group.rows
        }

    assert "operator-a" in read(scene.world.operator)
    assert read(scene.world.second_operator) == set()


@pytest.mark.django_db
def test_the_filters_of_the_report_work_together(regulator: Client) -> None:
    lost = Finding.objects.filter(rule="declared_loss").first()
    assert lost is not None
    assert lost.chip is not None
    today = clock.now().date()
    asked = {
        "rule": "declared_loss",
        "severity": f"only-{lost.severity}",
        "state": "unresolved",
        "organisation": "operator-a",
        "site": "dc-1",
        "country": Site.objects.get(code="dc-1").country.lower(),
        "model": lost.chip.model.code,
        "dated": "opened",
        "since": today.isoformat(),
        "until": (today + timedelta(days=1)).isoformat(),
    }

    def rows(**other: str) -> int:
        return len(regulator.get(reverse("report"), asked | other).context["rows"])

    assert rows() == 2
    wrong = {
        "rule": "overdue_receipt",
        "severity": "only-5",
        "state": "closed",
        "organisation": "maker-a",
        "site": "fab-1",
        "country": "ZZ",
        "model": "no-such-model",
        "dated": "worsened",
        "since": (today + timedelta(days=1)).isoformat(),
        "until": today.isoformat(),
    }
    for name, value in wrong.items():
        assert rows(**{name: value}) == 0, name


@pytest.mark.django_db
def test_the_counts_of_the_report_lead_to_exactly_their_rows(regulator: Client) -> None:
    page = regulator.get(reverse("report"), {"state": "unresolved"})
    for each, _ in page.context["tally"]:
        address = f"{reverse('report')}?{page.context['query']}rule={each.rule}&severity=only-{each.severity}"
        assert len(regulator.get(address).context["rows"]) == each.findings


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "queries"), [("overview", 17), ("monday", 11)])
def test_the_pages_cost_as_many_queries_as_they_did(
    regulator: Client, name: str, queries: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    site = Site.objects.get(code="dc-1")
    DailyBalance.objects.create(
        day=clock.now().date(),
        organisation=site.organisation,
        site=site,
        installed=2,
        seen_hardware=1,
        measured_at=clock.now(),
    )
    with django_assert_num_queries(SIGNED_IN + queries):
        regulator.get(reverse(name))


def test_mondays_list_is_taken_away_as_it_is_shown(scene: Scene) -> None:
    regulator = browse_as(person_of(scene.world.regulator))
    shown = regulator.get(reverse("monday")).context
    rows = sum(len(group.rows) for group in shown["groups"]) + len(shown["late"]) + len(shown["coming"])
    table = b"".join(regulator.get(reverse("monday"), {"format": "csv"}).streaming_content).decode()
    lines = table.splitlines()
    assert lines[0] == "group,severity,about,subject,answers,due_at,number"
    assert len(lines) - 1 == rows + len(shown["grown"]) > 3
    assert any(line.startswith("Opened,") and "declared_loss" in line for line in lines)
    told = json.loads(b"".join(regulator.get(reverse("monday"), {"format": "json"}).streaming_content))
    assert len(told["rows"]) == len(lines) - 1
    printed = regulator.get(reverse("monday"), {"format": "print"}).content.decode()
    assert told["csv_sha256"] in printed
    assert regulator.get(reverse("monday"), {"format": "xlsx"}).status_code == 400
