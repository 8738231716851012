"""How many queries each list takes: the same for two rows as for fifty, and no count of the whole."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from audits.actions.sweeps import sweep
from audits.models import Finding
from chipledger.statements.tracking import ChipsLost, TransferReceived
from ledger import door
from ledger.integrator import integrate
from registry.models import Chip, ChipModel
from tests.people import Scene, browse_as, dispatch, person_of
from tests.world import Party

# Session, person and memberships, whatever the page; beside each list stands what it adds. What a regulator reads of
# others is noted, which is one more; so are the saved views of a list that has them.
SIGNED_IN = 3
BASELINES = {
    "chips": 4,  # the page, where its chips are, the note
    "transfers": 3,
    "stock-takes": 3,
    "findings": 3,
    "sites": 5,  # the page, the counts of its sites and who is silent there, the note
    "clusters": 3,
    "balances": 4,  # the page, the newest sweep, the note
    "organisations": 2,
    "jobs": 2,
    "log": 3,  # the page, the newest checkpoint, the note
    "log-entries": 4,  # the page, which of them may be read, the note
    "log-checkpoints": 2,
    "administration-log": 3,  # the colleagues to choose from, the page; it names nobody here
    "report": 6,  # the page, the tally, the newest sweep twice (as a fact and for its lag), the note
    "drafts": 2,  # the papers, the reader's own passkeys
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", BASELINES)
def test_a_list_costs_as_many_queries_as_it_did(
    scene: Scene, name: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = browse_as(person_of(scene.world.regulator))
    client.get("/")
    with django_assert_num_queries(SIGNED_IN + BASELINES[name]):
        client.get(reverse(name))


def cost_of(party: Party, address: str) -> int:
    """How many queries a page takes beyond those of signing in."""
    client = browse_as(person_of(party, email=f"{len(address)}@cost.example"))
    client.get("/")
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured) - SIGNED_IN


PAGES = {
    # cluster; its sites, which of them open, their gaps; the stock and the balances in all; models, organisations,
    # findings; the sweep; the note
    "cluster": 11,
    # organisation, owners; keys; sites and their counts; figures of balances and of transfers, findings; clusters,
    # balances; the sweep; the note; saved for its signer
    "organisation": 13,
    # the transfer twice, its carrier; papers and what is about them, differences, findings, lines; the note
    "transfer": 13,
    # the chip; its history, corrections, holding, stays, sightings, findings; transfers, clusters; papers; the note
    "chip": 16,
    # the finding; its transfer and movements, what is unsettled; statements and positions, checkpoint; papers; the note
    "finding": 13,
    # the site, its statement, links, balances, days counted; chips by model, how they attest, outages; findings,
    # clusters; the note
    "site": 13,
    "sites": 5,
    "log-entries?kind": 4,
    "chips?as_of": 5,  # the page, where its chips were, when the book began, views, the note
    "chips?as_of&view=both": 6,  # the same, and where the papers as filed had them
    "balances?as_of": 8,  # the accounts, days, sums, rows; the sweep of the day; when the book began, the note
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", PAGES)
def test_a_page_costs_as_many_queries_as_it_did_and_no_more_for_more_rows(scene: Scene, name: str) -> None:
    finding = Finding.objects.get(rule="overdue_receipt")
    today = f"?as_of={door.now():%Y-%m-%d}"
    address = {
        "cluster": reverse("cluster", args=["test-line", "dc-1"]),
        "organisation": reverse("organisation", args=["operator-a"]),
        "transfer": reverse("transfer", args=[scene.received]),
        "chip": reverse("chip", args=["maker-a", "A0001-7"]),
        "finding": reverse("finding", args=[finding.uid]),
        "site": reverse("site", args=["dc-1"]),
        "sites": reverse("sites"),
        "log-entries?kind": reverse("log-entries") + "?kind=transfer.received",
        "chips?as_of": reverse("chips") + today,
        "chips?as_of&view=both": reverse("chips") + today + "&view=both",
        "balances?as_of": reverse("balances") + today,
    }[name]
    regulator = scene.world.regulator
    before = cost_of(regulator, address)
    second = dispatch(scene.world, scene.chips[32:36])
    scene.world.submit(
        TransferReceived, by=scene.world.operator, dispatch=second, received_at=door.now(), accepted_all=True
    )
    scene.world.submit(
        ChipsLost,
        by=scene.world.operator,
        site="dc-1",
        happened_at=door.now(),
        chips=scene.chips[32:34],
        reason="not_in_rack",
    )
    sweep(at=door.now())
    while integrate():
        pass
    assert (before, cost_of(regulator, address + ("&" if "?" in address else "?"))) == (
        PAGES[name],
        PAGES[name],
    )


@pytest.mark.django_db
def test_the_export_holds_exactly_the_rows_that_the_page_shows(scene: Scene) -> None:
    client = browse_as(person_of(scene.world.operator))
    asked = {"serial": "A001", "account": "on_hand"}
    page = client.get(reverse("chips"), asked).content.decode()
    answer = client.get(reverse("chips"), asked | {"format": "csv"})
    lines = b"".join(answer.streaming_content).decode().splitlines()[1:]
    shown = [chip for chip in scene.chips if f"</span>{chip.partition('/')[2]}</a>" in page]
    assert [line.split(",")[0] for line in lines] == shown
    assert len(shown) == 10


@pytest.mark.django_db
def test_a_filter_that_is_no_choice_is_refused_and_not_ignored(scene: Scene) -> None:
    client = browse_as(person_of(scene.world.regulator))
    answer = client.get(reverse("findings"), {"rule": "no_such_rule"})
    assert answer.status_code == 400


@pytest.mark.django_db
def test_each_column_that_sorts_leads_both_ways(scene: Scene) -> None:
    client = browse_as(person_of(scene.world.regulator))
    for word in ("severity", "opened"):
        once = client.get(reverse("findings"), {"sort": word})
        assert 'aria-sort="ascending"' in once.content.decode()
        assert f'href="?sort=-{word}"' in once.content.decode()
        again = client.get(reverse("findings"), {"sort": f"-{word}"})
        assert 'aria-sort="descending"' in again.content.decode()
        assert again.context["page"].items == once.context["page"].items[::-1]


@pytest.mark.django_db
@pytest.mark.parametrize("asked", ["code", "name"])
def test_chips_are_found_by_their_models_code_and_by_a_part_of_its_name(scene: Scene, asked: str) -> None:
    model = Chip.objects.select_related("model").get(serial=scene.chips[0].partition("/")[2]).model
    client = browse_as(person_of(scene.world.operator))
    word = model.code if asked == "code" else model.name[1:-1].lower()
    assert client.get(reverse("chips"), {"model": word}).context["rows"]
    assert not client.get(reverse("chips"), {"model": "no-such-model"}).context["rows"]


@pytest.mark.django_db
def test_a_maker_reads_the_codes_of_its_models_where_it_registers_chips(scene: Scene) -> None:
    page = browse_as(person_of(scene.world.maker)).get(reverse("register-batch"))
    codes = ChipModel.objects.filter(maker=scene.world.maker.organisation).values_list("code", flat=True)
    assert codes
    assert all(code in page.content.decode() for code in codes)
