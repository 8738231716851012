"""Pages that lead to each other: the organisation as each reader may see it, the transfer, and the chip."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from audits.models import Finding
from registry.models import Person, Site
from tests.people import Scene, browse_as, person_of
from tests.world import Party

pytestmark = pytest.mark.django_db


def profile(client: Client, handle: str = "operator-a") -> dict[str, object]:
    answer = client.get(reverse("organisation", args=[handle]))
    assert answer.status_code == 200
    found = answer.context["profile"]
    return {
        "holdings": found.holdings and {each.label: each.number for each in found.holdings},
        "transfers": [each.number for each in found.transfers],
        "severities": sum(number for _, number, _ in found.severities),
        "sites": [site.code for site, _ in found.sites],
        "clusters": [cluster.key for cluster in found.clusters],
        "balances": [balance.site.code for balance in found.balances],
    }


def test_a_regulator_sees_of_an_organisation_what_touches_its_countries(scene: Scene) -> None:
    regulator = browse_as(person_of(scene.world.regulator))
    assert profile(regulator) == {
        "holdings": {
            "On hand, by the book": 20,
            "In transit": 0,
            "Seen by hardware": 0,
            "Unaccounted for": 0,
            "Lost or stolen": 2,
        },
        "transfers": [0, 2],
        "severities": Finding.objects.filter(organisation__signer__handle="operator-a").count(),
        "sites": ["dc-1", "dc-2"],
        "clusters": ["dc-1"],
        "balances": ["dc-1"],
    }
    other = Party("regulator-fr")
    scene.world.admit(other, "regulator", countries=["FR"])
    foreign = browse_as(person_of(other))
    seen = profile(foreign)
    assert seen["sites"] == seen["clusters"] == seen["balances"] == []
    assert (seen["transfers"], seen["severities"]) == ([0, 0], 0)
    Site.objects.filter(code="dc-1").update(country="FR")
    assert profile(foreign)["sites"] == ["dc-1"]
    assert profile(foreign)["balances"] == ["dc-1"]


def test_the_organisation_itself_sees_its_own_and_others_only_what_they_share(scene: Scene) -> None:
    own = profile(browse_as(person_of(scene.world.operator)))
    assert own["sites"] == ["dc-1", "dc-2"]
    assert own["holdings"]
    assert own["transfers"] == [0, 2]
    counterparty = profile(browse_as(person_of(scene.world.maker)))
    assert counterparty == {
        "holdings": None,
        "transfers": [0, 2],
        "severities": Finding.objects.filter(
            organisation__signer__handle="operator-a", counterparty__signer__handle="maker-a"
        ).count(),
        "sites": [],
        "clusters": [],
        "balances": [],
    }
    stranger = profile(browse_as(person_of(scene.world.second_operator)))
    assert (stranger["holdings"], stranger["transfers"], stranger["severities"]) == (None, [0, 0], 0)


def test_each_number_of_an_organisation_leads_to_as_many_rows(scene: Scene) -> None:
    for party in (scene.world.regulator, scene.world.operator):
        client = browse_as(person_of(party))
        found = client.get(reverse("organisation", args=["operator-a"])).context["profile"]
        for figure in found.transfers:
            assert len(client.get(figure.url).context["rows"]) == figure.number, figure.url
        for _, number, url in found.severities:
            assert len(client.get(url).context["rows"]) == number, url
        on_hand = found.holdings[0]
        assert len(client.get(on_hand.url).context["rows"]) == on_hand.number


def test_the_keys_of_an_organisation_are_public_and_its_people_are_not(scene: Scene) -> None:
    person_of(scene.world.operator, email="secret.person@operator-a.example")
    page = browse_as(person_of(scene.world.maker)).get(reverse("organisation", args=["operator-a"]))
    assert len(page.context["profile"].keys) == 2
    assert scene.world.operator.key.public.key_id[:12] in page.content.decode()
    text = page.content.decode()
    for person in Person.objects.filter(memberships__organisation__signer__handle="operator-a"):
        assert person.email not in text
        assert person.name not in text
        assert person.pseudonym not in text


def test_transfers_are_found_by_sender_and_by_consignee(scene: Scene) -> None:
    client = browse_as(person_of(scene.world.regulator))
    for asked, number in (
        ({"sender": "maker-a"}, 2),
        ({"sender": "operator-a"}, 0),
        ({"consignee": "operator-a"}, 2),
        ({"sender": "maker-a", "consignee": "maker-a"}, 0),
    ):
        assert len(client.get(reverse("transfers"), asked).context["rows"]) == number, asked


def test_clusters_are_found_by_organisation(scene: Scene) -> None:
    client = browse_as(person_of(scene.world.regulator))
    found = client.get(reverse("clusters"), {"organisation": "operator-a"}).context["rows"]
    assert [each[0].key for each in found] == ["dc-1"]


def test_a_transfer_says_who_answers_and_leads_to_its_findings_sites_and_papers(scene: Scene) -> None:
    overdue = Finding.objects.get(rule="overdue_receipt")
    page = browse_as(person_of(scene.world.operator)).get(reverse("transfer", args=[scene.overdue]))
    text = page.content.decode()
    assert (
        "Responsibility for the 8 chips under way stays with Maker-A until Operator-A signs for their receipt."
        in text
    )
    for address in (
        reverse("finding", args=[overdue.uid]),
        reverse("site", args=["dc-1"]),
        reverse("organisation", args=["maker-a"]),
        reverse("statement", args=[scene.overdue]),
        reverse("chip-model", args=["maker-a-h100"]),
    ):
        assert f'href="{address}"' in text, address
    # The fab is the maker's: its page is not there for the operator, so nothing leads to it.
    assert reverse("site", args=["fab-1"]) not in text


def test_a_chip_leads_to_its_holder_site_model_transfers_and_clusters(scene: Scene) -> None:
    address = reverse("chip", args=["maker-a", "A0005-7"])
    shared = (
        reverse("transfer", args=[scene.received]),
        reverse("organisation", args=["maker-a"]),
        reverse("chip-model", args=["maker-a-h100"]),
    )
    holders = (
        reverse("site", args=["dc-1"]),
        reverse("organisation", args=["operator-a"]),
        reverse("cluster", args=["test-line", "dc-1"]),
    )
    for party in (scene.world.operator, scene.world.regulator):
        text = browse_as(person_of(party)).get(address).content.decode()
        for link in (*shared, *holders):
            assert f'href="{link}"' in text, link
    text = browse_as(person_of(scene.world.maker)).get(address).content.decode()
    for link in shared:
        assert f'href="{link}"' in text, link
    assert reverse("cluster", args=["test-line", "dc-1"]) not in text


@pytest.mark.parametrize("party", ["regulator", "operator", "maker", "second_operator"])
def test_no_link_of_these_pages_leads_to_what_is_not_there(scene: Scene, party: str) -> None:
    client = browse_as(person_of(getattr(scene.world, party)))
    pages = [reverse("organisation", args=[handle]) for handle in ("maker-a", "operator-a")]
    pages += [reverse("transfer", args=[digest]) for digest in (scene.received, scene.overdue)]
    pages += [reverse("finding", args=[finding.uid]) for finding in Finding.objects.all()]
    pages += [reverse("chip", args=["maker-a", serial]) for serial in ("A0001-7", "A0005-7", "A0030-7")]
    pages += [reverse("cluster", args=["test-line", "dc-1"]), reverse("site", args=["dc-1"])]
    pages += [reverse(name) for name in ("clusters", "balances", "transfers", "findings")]
    seen: set[str] = set()
    for page in pages:
        answer = client.get(page)
        if answer.status_code == 404:
            continue
        assert answer.status_code == 200, page
        main = answer.content.decode().partition("<main")[2]
        seen |= {link.replace("&amp;", "&") for link in re.findall(r'href="(/[^"#]*)"', main)}
    assert len(seen) > 10
    for link in sorted(seen):
        answer = client.get(link)
        assert answer.status_code in (200, 302), link
        if answer.streaming:
            assert b"".join(answer.streaming_content), link
