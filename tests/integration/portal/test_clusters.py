"""The page of one cluster: its line, its parts as far as each reader may see them, and where it is linked from."""

from __future__ import annotations

import pytest
from django.urls import reverse

from audits.actions.sweeps import sweep
from audits.models import Cluster, Finding, Stock
from chipledger.statements.audits import PolicyPublished, Threshold
from ledger import door
from registry.models import Organisation, Site
from tests.people import Scene, browse_as, person_of

pytestmark = pytest.mark.django_db
PAGE = reverse("cluster", args=["test-line", "dc-1"])


def test_a_cluster_is_shown_against_its_line_with_its_parts_and_its_finding(scene: Scene) -> None:
    answer = browse_as(person_of(scene.world.regulator)).get(PAGE)
    page = answer.content.decode()
    # 22 chips were received, two of them lost since: both still count.
    assert answer.context["cluster"].chips == 22
    (line,) = answer.context["lines"]
    assert (line.value, line.line, line.against.percent) == ("22.0", "6.3", "348%")
    assert line.against.is_above
    parts = answer.context["parts"]
    assert [(each.part.code, each.part.chips, each.gap.lost) for each in parts.sites] == [("dc-1", 22, 2)]
    assert [(each.code, each.equivalents, each.memory_gb) for each in parts.models] == [
        ("maker-a-h100", "22.0", 1760)
    ]
    assert [each.code for each in parts.organisations] == ["operator-a"]
    assert parts.elsewhere == 0
    finding = Finding.objects.get(rule="threshold_exceeded", subject="cluster:test-line:dc-1")
    for address in (
        reverse("site", args=["dc-1"]),
        reverse("organisation", args=["operator-a"]),
        reverse("chip-model", args=["maker-a-h100"]),
        reverse("finding", args=[finding.uid]),
        f"{reverse('chips')}?site=dc-1",
        f"{reverse('clusters')}?policy=test-line",
    ):
        assert f'href="{address}"' in page, address


def test_a_cluster_says_by_which_sweep_and_checkpoint_it_was_measured(scene: Scene) -> None:
    answer = browse_as(person_of(scene.world.regulator)).get(PAGE)
    assert answer.context["checkpoint"] == 0  # the scene sweeps before its log has a checkpoint
    sweep(at=door.now())
    again = browse_as(person_of(scene.world.operator)).get(PAGE)
    assert again.context["checkpoint"] > 0
    assert f"{again.context['checkpoint']:,}" in again.content.decode()


def test_a_strangers_cluster_is_not_there(scene: Scene) -> None:
    for party in (scene.world.second_operator, scene.world.maker):
        assert browse_as(person_of(party)).get(PAGE).status_code == 404
    regulator = browse_as(person_of(scene.world.regulator))
    assert regulator.get(reverse("cluster", args=["test-line", "dc-9"])).status_code == 404
    assert regulator.get(reverse("cluster", args=["no-line", "dc-1"])).status_code == 404


def test_a_regulator_sees_the_parts_in_its_countries_and_how_much_stands_elsewhere(scene: Scene) -> None:
    regulator = scene.world.regulator.organisation
    Cluster.objects.filter(key="dc-1").update(countries=["FR", "US"], members=["dc-1", "dc-2"], chips=30)
    operator = scene.world.operator.organisation
    Organisation.objects.filter(pk=operator.pk).update(countries=["FR"])
    Site.objects.filter(code="dc-1").update(country="FR")
    client = browse_as(person_of(scene.world.regulator))
    Organisation.objects.filter(pk=regulator.pk).update(countries=["US"])
    answer = client.get(PAGE)
    assert answer.context["parts"].sites == []
    assert answer.context["parts"].elsewhere == 30
    assert "30 chips of it are with parties or at places that are not yours to see" in " ".join(
        answer.content.decode().replace('<span class="count">', "").replace("</span>", "").split()
    )
    Organisation.objects.filter(pk=regulator.pk).update(countries=["GB"])
    assert client.get(PAGE).status_code == 404


def test_an_owners_cluster_counts_what_is_under_way_and_lists_its_sites(scene: Scene) -> None:
    scene.world.submit(
        PolicyPublished,
        by=scene.world.regulator,
        code="owner.line",
        title="Under one owner",
        source="A test",
        countries=[],
        grouping="owner",
        thresholds=[Threshold(measure="memory_mb", above=100_000_000)],
        effective_from=door.now(),
    )
    sweep(at=door.now())
    page = reverse("cluster", args=["owner.line", "maker-a"])
    answer = browse_as(person_of(scene.world.maker)).get(page)
    assert answer.status_code == 200
    # Forty made, 22 handed over: eighteen are the maker's, ten of them under way from the fab.
    assert [(each.part.code, each.part.chips) for each in answer.context["parts"].sites] == [("fab-1", 18)]
    assert answer.context["parts"].elsewhere == 0
    assert browse_as(person_of(scene.world.operator)).get(page).status_code == 404


def test_lists_and_pages_lead_to_the_cluster(scene: Scene) -> None:
    client = browse_as(person_of(scene.world.regulator))
    finding = Finding.objects.get(rule="threshold_exceeded", subject="cluster:test-line:dc-1")
    for address in (
        reverse("clusters"),
        reverse("overview"),
        reverse("site", args=["dc-1"]),
        reverse("findings") + "?rule=threshold_exceeded",
        reverse("finding", args=[finding.uid]),
    ):
        assert f'href="{PAGE}"' in client.get(address).content.decode(), address


def test_whoever_is_cited_for_a_shared_cluster_is_not_led_to_what_it_may_not_open(scene: Scene) -> None:
    finding = Finding.objects.get(rule="threshold_exceeded", subject="cluster:test-line:dc-1")
    finding.frozen["arithmetic"]["is_shared"] = True
    finding.save(update_fields=["frozen"])
    Cluster.objects.filter(key="dc-1").update(is_shared=True)
    operator = browse_as(person_of(scene.world.operator))
    assert f'href="{PAGE}"' not in operator.get(reverse("finding", args=[finding.uid])).content.decode()
    assert operator.get(PAGE).status_code == 404


def test_a_cluster_and_its_parts_are_counted_by_the_same_sweep(scene: Scene) -> None:
    stock = Stock.objects.filter(account__site__code="dc-1").values_list("measured_at", flat=True)
    assert set(stock) == {Cluster.objects.get(key="dc-1").measured_at}
    assert sum(Stock.objects.values_list("chips", flat=True)) == len(scene.chips)
