"""The log's entries and checkpoints as lists: narrowed and exported, and telling nobody more than the tiles do."""

from __future__ import annotations

import csv
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from ledger import door
from ledger.models import Checkpoint, Entry, Statement
from tests.people import Scene, browse_as, person_of

pytestmark = pytest.mark.django_db
PARTIES = ("regulator", "maker", "operator", "second_operator")


def lines_of(client: Client, name: str, **asked: str) -> list[dict[str, str]]:
    answer = client.get(reverse(name), asked | {"format": "csv"})
    assert answer.status_code == 200
    return list(csv.DictReader(b"".join(answer).decode().splitlines()))


def positions(client: Client, **asked: str) -> list[int]:
    return [int(line["position"]) for line in lines_of(client, "log-entries", **asked)]


def test_a_kind_is_said_and_asked_of_statements_that_one_may_read_alone(scene: Scene) -> None:
    dispatched = Entry.objects.filter(statement__kind="transfer.dispatched").order_by("-position")
    wanted = list(dispatched.values_list("position", flat=True))
    assert len(wanted) == 2
    asked = {"kind": "transfer.dispatched"}
    assert positions(browse_as(person_of(scene.world.maker)), **asked) == wanted
    stranger = browse_as(person_of(scene.world.second_operator))
    assert positions(stranger, **asked) == []
    assert "No entry here" in stranger.get(reverse("log-entries"), asked).content.decode()
    told = {int(line["position"]): line for line in lines_of(stranger, "log-entries")}
    for position in wanted:
        assert (told[position]["paper"], told[position]["kind"]) == ("", "")
        assert len(told[position]["digest"]) == len(told[position]["leaf_hash"]) == 64


@pytest.mark.parametrize("party", PARTIES)
def test_asking_for_every_kind_in_turn_finds_what_one_may_read_and_no_more(scene: Scene, party: str) -> None:
    client = browse_as(person_of(getattr(scene.world, party)))
    named = {int(line["position"]) for line in lines_of(client, "log-entries") if line["kind"]}
    kinds = set(Statement.objects.values_list("kind", flat=True))
    assert {position for kind in kinds for position in positions(client, kind=kind)} == named
    for line in lines_of(client, "log-entries"):
        status = client.get(reverse("statement", args=[line["digest"]])).status_code
        assert status == (200 if line["kind"] else 404)


def test_entries_and_checkpoints_are_narrowed_to_a_period_whose_end_is_left_out(scene: Scene) -> None:
    client = browse_as(person_of(scene.world.maker))
    today = door.now().date()
    tomorrow, yesterday = f"{today + timedelta(days=1)}", f"{today - timedelta(days=1)}"
    for name, everything in (
        ("log-entries", Entry.objects.count()),
        ("log-checkpoints", Checkpoint.objects.count()),
    ):
        assert len(lines_of(client, name, since=yesterday, until=tomorrow)) == everything
        assert lines_of(client, name, until=yesterday) == []
        assert lines_of(client, name, since=tomorrow) == []


def test_checkpoints_are_exported_as_the_log_signed_them(scene: Scene) -> None:
    newest = Checkpoint.objects.latest("size")
    first, *_ = lines_of(browse_as(person_of(scene.world.maker)), "log-checkpoints")
    assert (first["size"], first["root"]) == (str(newest.size), bytes(newest.root).hex())


def test_a_column_that_was_not_chosen_is_neither_shown_nor_exported(scene: Scene) -> None:
    client = browse_as(person_of(scene.world.maker))
    page = client.get(reverse("log-entries"), {"columns": ["position", "digest"]}).content.decode()
    table = page.partition("<table")[2]
    assert "Leaf hash" not in table
    assert "transfer.dispatched" not in table
    assert list(lines_of(client, "log-entries", columns="position")[0]) == ["position"]


def test_a_kind_that_no_statement_has_is_refused(scene: Scene) -> None:
    client = browse_as(person_of(scene.world.maker))
    assert client.get(reverse("log-entries"), {"kind": "chips.eaten"}).status_code == 400
    assert client.get(reverse("log-checkpoints"), {"since": "soon"}).status_code == 400
