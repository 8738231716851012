"""How many queries each list takes: the same for two rows as for fifty, and no count of the whole."""

from __future__ import annotations

import pytest
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from registry.models import Chip, ChipModel
from tests.people import Scene, browse_as, person_of

# Session, person and memberships, whatever the page; beside each list stands what it adds. What a regulator reads of
# others is noted, which is one more; so are the saved views of a list that has them.
SIGNED_IN = 3
BASELINES = {
    "chips": 4,  # the page, where its chips are, the note
    "transfers": 3,
    "stock-takes": 3,
    "findings": 3,
    "sites": 4,  # the page, the counts of its sites, the note
    "clusters": 3,
    "balances": 4,  # the page, the newest sweep, the note
    "organisations": 2,
    "jobs": 2,
    "log": 3,  # the page, the newest checkpoint, the note
    "log-entries": 3,  # the page, which of them may be read, the note
    "log-checkpoints": 1,
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
