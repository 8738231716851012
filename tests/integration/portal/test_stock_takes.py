"""Stock-takes on the pages: who may count, what is compared, what is signed, who sees it, and which sites are due."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from attestations.models import Sighting
from attestations.rules import cadence
from chipledger.dsse import sign_payload
from chipledger.statements.tracking import ChipsLost
from jobs.actions import run_job
from jobs.models import Job
from ledger import door, integrator
from portal.models import Draft
from registry.models import Chip, Role, Site
from tests.integration.api.caller import Caller
from tests.integration.portal.test_papers import file
from tests.integration.tracking.trade import Trade, count_site
from tests.people import Scene, browse_as, person_of
from tests.world import Party, World
from tracking.models import StockCount, StockDifference

pytestmark = pytest.mark.django_db


@pytest.fixture
def chips(world: World) -> list[str]:
    """Four chips on hand of the operator at dc-1."""
    names = world.commission([f"SN-{number}00" for number in range(1, 5)], keyed=False)
    trade = Trade(world)
    trade.receive(trade.dispatch(names))
    return names


@pytest.fixture
def operator(world: World) -> Client:
    return browse_as(person_of(world.operator))


def address(site: str = "dc-1") -> str:
    return f"{reverse('count-site')}?site={site}"


def said(world: World, found: str = "", **more: str) -> dict[str, str]:
    return {"found": found, "method": "scan", "key": world.operator.key.public.key_id, **more}


def prepared(client: Client, world: World, found: str = "", **more: Any) -> Draft:
    answer = client.post(address(), said(world, found, prepare="1", **more))
    assert answer.status_code == 302, answer.content.decode()
    return Draft.objects.latest("created_at")


def sign(client: Client, draft: Draft, party: Party) -> None:
    assert file(client, draft, sign_payload(bytes(draft.payload), [party.key]).to_json()) == 302


def test_a_count_is_compared_while_it_is_typed_and_serials_alone_will_do(
    world: World, chips: list[str], operator: Client
) -> None:
    answer = operator.post(address(), said(world, "SN-100 SN-2O0"), headers={"HX-Request": "true"})
    page = answer.content.decode()
    assert "<html" not in page
    found = answer.context["found"]
    assert found.accepted == chips[:1]
    assert found.short == chips[1:]
    assert found.over == ["SN-2O0"]
    assert found.hints == [("SN-2O0", chips[1])]
    assert "Typed wrongly?" in page


def test_what_was_typed_wrongly_and_ticked_is_mended_and_the_signed_count_has_its_own_page(
    world: World, chips: list[str], operator: Client
) -> None:
    draft = prepared(operator, world, "SN-100 SN-2O0 SN-300", mend=f"SN-2O0 {chips[1]}")
    shown = operator.get(reverse("draft", args=[draft.pk])).content.decode()
    assert "Count of dc-1 by operator-a: 3 chips found" in shown
    assert "1 not found, 0 not expected" in shown
    sign(operator, draft, world.operator)
    counted = StockCount.objects.get()
    assert (counted.expected, counted.found, counted.missing, counted.unexpected) == (4, 3, 1, 0)
    where = operator.get(reverse("draft", args=[draft.pk]))["Location"]
    page = operator.get(where).content.decode()
    assert where == reverse("stock-take", args=[bytes(counted.statement.digest).hex()])
    assert reverse("chip", args=["maker-a", "SN-400"]) in page


def test_a_file_of_many_chips_becomes_a_manifest(world: World, operator: Client) -> None:
    names = world.commission([f"M-{number:04d}" for number in range(600)], keyed=False)
    Trade(world).receive(Trade(world).dispatch([], chips=None, manifest=manifest_of(world, names)))
    lines = SimpleUploadedFile("found.txt", "\n".join(names[:599]).encode())
    draft = prepared(operator, world, file=lines, method="file")
    sign(operator, draft, world.operator)
    run_job(Job.objects.get(scope="operator-a").pk)
    assert StockCount.objects.get().missing == 1


def manifest_of(world: World, names: list[str]) -> Any:
    from chipledger.manifests import Shape

    return world.upload(world.maker, Shape.CHIPS, [(name,) for name in names])


@pytest.mark.parametrize(
    ("found", "more", "sentence"),
    [
        ("", {}, "Name the chips that were found, or say that nothing was found."),
        ("SN-100", {"nothing_found": "on"}, "take away the chips or the tick"),
        ("SN-100 nobody", {}, "This serial is not expected here; name the chip as maker/serial."),
        (
            "SN-100",
            {"counted_at": "2999-01-01T00:00:00"},
            "This cannot have happened in the future; name an instant that has passed.",
        ),
        ("maker-a/SN-100", {"counted_at": "2001-01-01T00:00:00"}, "A count is filed within 30 days"),
        ("SN-100", {"method": "guess"}, "is not one of the available choices"),
    ],
    ids=["nothing", "both", "no-maker", "future", "stale", "method"],
)
def test_what_cannot_be_signed_is_refused_with_a_sentence(
    world: World, chips: list[str], operator: Client, found: str, more: dict[str, str], sentence: str
) -> None:
    answer = operator.post(address(), said(world, found, prepare="1", **more))
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Draft.objects.exists()


def test_an_empty_site_is_counted_when_somebody_says_so(
    world: World, chips: list[str], operator: Client
) -> None:
    sign(operator, prepared(operator, world, nothing_found="on"), world.operator)
    assert StockCount.objects.get().missing == 4
    assert set(StockDifference.objects.values_list("kind", flat=True)) == {"missing"}


def test_a_name_that_is_given_twice_is_found_once(world: World, chips: list[str], operator: Client) -> None:
    draft = prepared(operator, world, f"SN-100 SN-100 {chips[0]}")
    assert draft.fields["chips"] == chips[:1]


def see(name: str, site: str, *, identity: int, ago: timedelta) -> None:
    at = door.now() - ago
    Sighting.objects.create(
        chip=Chip.objects.get(serial=name.partition("/")[2]),
        identity=identity,
        place=2,
        site=Site.objects.get(code=site),
        seen_at=at,
        present_since=at,
        seq=1,
        claims_sha256=b"",
        statement_id=1,
    )


def test_fresh_attestations_of_the_site_fill_the_list_and_weak_old_or_moved_ones_do_not(
    world: World, chips: list[str], operator: Client
) -> None:
    hour = timedelta(hours=1)
    see(chips[0], "dc-1", identity=5, ago=hour)
    see(chips[1], "dc-1", identity=3, ago=hour)
    see(chips[2], "dc-1", identity=2, ago=hour)
    see(chips[3], "dc-1", identity=5, ago=cadence() + hour)
    (moved, foreign) = world.commission(["SN-600", "SN-500"], keyed=False)[::-1]
    see(moved, "dc-1", identity=3, ago=2 * hour)
    see(moved, "dc-2", identity=5, ago=hour)
    see(foreign, "dc-3", identity=5, ago=hour)
    answer = operator.post(address(), said(world, "typed", fill="1"))
    assert answer.status_code == 200
    form = answer.context["form"]
    assert form["found"].value().split() == chips[:2]
    assert form["method"].value() == "attestations"
    assert answer.context["found"].short == chips[2:]
    assert not Draft.objects.exists()


@pytest.mark.parametrize("role", list(Role))
def test_who_may_prepare_a_count_is_a_preparer_at_least(world: World, chips: list[str], role: Role) -> None:
    client = browse_as(person_of(world.operator, role))
    page = client.get(address())
    assert page.status_code == 200
    answer = client.post(address(), said(world, "SN-100", prepare="1"))
    if role == Role.VIEWER:
        assert "This needs the role preparer; yours is viewer. Ask an administrator." in page.content.decode()
        assert answer.status_code == 403
        assert not Draft.objects.exists()
    else:
        assert answer.status_code == 302


@pytest.mark.parametrize("party", ["maker", "second_operator", "regulator"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_foreign_site_cannot_be_counted_because_it_is_not_there(
    world: World, chips: list[str], party: str, method: str
) -> None:
    client = browse_as(person_of(getattr(world, party)))
    assert getattr(client, method)(address()).status_code == 404
    assert getattr(client, method)(address("no-such-site")).status_code == 404


def test_a_regulator_reads_why_it_counts_no_site(world: World) -> None:
    page = browse_as(person_of(world.regulator)).get(reverse("count-site"))
    assert page.status_code == 200
    assert page.context["refusal"].sentence.startswith(
        "Only organisations that hold chips count their sites;"
    )


@pytest.fixture
def counted(world: World, chips: list[str]) -> str:
    """A count of dc-1 with one chip missing, one of a stranger and one that does not exist."""
    (strange,) = world.commission(["STRANGE-1"], keyed=False)
    found = [*chips[1:], strange, "maker-a/GHOST-1"]
    count = count_site(world, found, by=world.operator, site="dc-1")
    integrator.integrate()
    return bytes(count.statement.digest).hex()


def test_a_count_is_there_for_its_holder_and_its_regulator_and_for_nobody_else(
    world: World, counted: str
) -> None:
    abroad = Party("regulator-b")
    world.admit(abroad, "regulator", countries=["JP"])
    seen = {}
    for party in (world.operator, world.regulator, world.maker, world.second_operator, abroad):
        client = browse_as(person_of(party))
        page = client.get(reverse("stock-take", args=[counted])).status_code
        paper = client.get(reverse("statement", args=[counted])).status_code
        rows = len(client.get(reverse("stock-takes")).context["rows"])
        api = Caller(party)
        answers = [api.get(f"/stock-takes/{counted}{path}").status_code for path in ("", "/lines")]
        seen[party.handle] = (page, paper, rows, *answers, len(api.get("/stock-takes").json()["items"]))
    there, nowhere = (200, 200, 1, 200, 200, 1), (404, 404, 0, 404, 404, 0)
    assert seen == {
        "operator-a": there,
        "regulator-a": there,
        "maker-a": nowhere,
        "operator-b": nowhere,
        "regulator-b": nowhere,
    }


def test_a_regulator_of_the_site_alone_sees_the_count_and_its_paper(world: World, chips: list[str]) -> None:
    abroad = Party("regulator-jp")
    world.admit(abroad, "regulator", countries=["JP"])
    world.declare_site(world.operator, "dc-9", country="JP")
    counted = count_site(world, [], by=world.operator, site="dc-9")
    digest = bytes(counted.statement.digest).hex()
    client = browse_as(person_of(abroad))
    assert client.get(reverse("stock-take", args=[digest])).status_code == 200
    assert client.get(reverse("statement", args=[digest])).status_code == 200


def test_a_strangers_chip_and_one_that_does_not_exist_look_alike_to_who_counted(
    world: World, counted: str
) -> None:
    page = browse_as(person_of(world.operator)).get(reverse("stock-take", args=[counted]))
    lines = {line.difference.name: (line.chip, line.now) for line in page.context["lines"]}
    assert lines["maker-a/STRANGE-1"] == lines["maker-a/GHOST-1"] == (None, None)
    told = Caller(world.operator).get(f"/stock-takes/{counted}").json()["lines"]
    assert {tuple(sorted(line)) for line in told} == {("chip", "kind")}
    regulator = browse_as(person_of(world.regulator)).get(reverse("stock-take", args=[counted]))
    lines = {line.difference.name: (line.chip, line.now) for line in regulator.context["lines"]}
    assert lines["maker-a/STRANGE-1"][1].account.site.code == "fab-1"
    assert lines["maker-a/GHOST-1"] == (None, None)


def test_own_chips_found_elsewhere_are_told_with_where_the_book_has_them(
    world: World, chips: list[str], operator: Client
) -> None:
    world.submit(
        ChipsLost, by=world.operator, site="dc-1", happened_at=door.now(), reason="gone", chips=chips[:1]
    )
    counted = count_site(world, chips, by=world.operator, site="dc-1")
    page = operator.get(reverse("stock-take", args=[bytes(counted.statement.digest).hex()])).content.decode()
    assert "Unexpected" in page
    assert "Lost, dc-1" in " ".join(page.split())


def test_a_difference_leads_to_its_finding_and_the_finding_back(scene: Scene) -> None:
    operator = browse_as(person_of(scene.world.operator))
    page = operator.get(reverse("stock-take", args=[scene.counted]))
    (line,) = page.context["lines"]
    assert line.finding.rule == "count_over"
    page = operator.get(reverse("finding", args=[line.finding.uid]))
    assert f"{reverse('stock-takes')}?site=dc-2" in page.content.decode()
    grounds = [(part, bytes(each.digest).hex()) for part, each in page.context["story"].grounds]
    assert grounds == [("The count", scene.counted)]


@pytest.mark.parametrize(
    ("asked", "sites"),
    [
        ({}, ["dc-2", "dc-1", "dc-1"]),
        ({"site": "dc-2"}, ["dc-2"]),
        ({"state": "agrees"}, ["dc-1"]),
        ({"state": "differs"}, ["dc-2", "dc-1"]),
        ({"state": "missing"}, ["dc-1"]),
        ({"state": "unexpected"}, ["dc-2"]),
    ],
    ids=["all", "site", "agrees", "differs", "missing", "unexpected"],
)
def test_the_list_is_narrowed_by_site_and_state(
    world: World, chips: list[str], operator: Client, asked: dict[str, str], sites: list[str]
) -> None:
    count_site(world, chips, by=world.operator, site="dc-1")
    count_site(world, chips[1:], by=world.operator, site="dc-1")
    count_site(world, ["maker-a/X-1"], by=world.operator, site="dc-2")
    rows = operator.get(reverse("stock-takes"), asked).context["rows"]
    assert [row[0].site.code for row in rows] == sites


def test_a_page_of_differences_costs_the_same_queries_for_one_as_for_fifty(
    world: World, operator: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    few = count_site(world, ["maker-a/X-1"], by=world.operator, site="dc-2")
    many = count_site(world, [f"maker-a/X-{n}" for n in range(60)], by=world.operator, site="dc-2")
    operator.get("/")
    costs = []
    for counted in (few, many):
        # Who reads (3), the count (2), differences, chips, places (3), findings, the paper with its proof (5).
        with django_assert_num_queries(15) as asked:
            operator.get(reverse("stock-take", args=[bytes(counted.statement.digest).hex()]))
        costs.append(len(asked))
    assert costs[0] == costs[1]


def test_the_api_filters_pages_and_refuses_what_is_no_answer(
    world: World, chips: list[str], counted: str
) -> None:
    caller = Caller(world.operator)
    shown = caller.get(f"/stock-takes/{counted}").json()
    assert {name: shown[name] for name in ("site", "expected", "found", "missing", "unexpected")} == {
        "site": "dc-1",
        "expected": 4,
        "found": 5,
        "missing": 1,
        "unexpected": 2,
    }
    assert {line["kind"] for line in shown["lines"]} == {"missing", "unexpected"}
    assert len(caller.get("/stock-takes?differs=true&site=dc-1").json()["items"]) == 1
    assert caller.get("/stock-takes?differs=false").json()["items"] == []
    assert caller.get("/stock-takes?differs=perhaps").status_code == 400


def test_nobody_counts_by_attestations_what_did_not_attest(
    world: World, operator: Client, chips: list[str]
) -> None:
    answer = operator.post(address(), said(world, "\n".join(chips), prepare="1") | {"method": "attestations"})
    assert answer.status_code == 422
    assert "4 of these chips, maker-a/SN-100 first, did not attest here" in answer.content.decode()
    assert not Draft.objects.exists()
