"""Balances on a day gone by: the book made again from movements, beside what that day's last sweep counted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from audits.actions.sweeps import sweep
from audits.models import Balance, DailyBalance
from chipledger.statements.tracking import ChipsInstalled, StatementCorrected
from ledger import door
from ledger.integrator import integrate
from registry.models import Organisation
from tests.people import Scene, browse_as, person_of
from tests.world import Party
from tracking.models import Movement

pytestmark = pytest.mark.django_db
PAGE = reverse("balances")


def day_of(days_ago: int = 0) -> str:
    return (door.now() - timedelta(days=days_ago)).date().isoformat()


def rows(client: Client, **asked: str) -> dict[tuple[str, str], Any]:
    answer = client.get(PAGE, {"as_of": day_of()} | asked)
    assert answer.status_code == 200, answer.content
    return {(each.organisation.signer.handle, each.site.code): each for each in answer.context["rows"]}


def test_today_is_what_the_newest_sweep_counted(scene: Scene) -> None:
    found = rows(browse_as(person_of(scene.world.regulator)))
    for balance in Balance.objects.select_related("organisation__signer", "site"):
        then = found.pop((balance.organisation.signer.handle, balance.site.code))
        for name in ("on_hand", "in_transit", "lost", "stolen", "retired", "destroyed", "exported"):
            assert getattr(then, name) == getattr(balance, name), name
    assert not found


def test_a_day_before_is_made_from_what_had_happened_or_from_what_had_been_filed(scene: Scene) -> None:
    begin(days_ago=3)
    regulator = browse_as(person_of(scene.world.regulator))
    # Filed today: a batch, two dispatches of thirty days ago, a receipt of today. So yesterday all 32 were under way.
    then = rows(regulator, as_of=day_of(1))
    assert {pair: (each.on_hand, each.in_transit) for pair, each in then.items()} == {
        ("maker-a", "fab-1"): (0, 32)
    }
    assert rows(regulator, as_of=day_of(1), by="recorded") == {}


def test_a_correction_counts_unless_the_book_is_asked_for_as_filed(scene: Scene, standing_day: str) -> None:
    regulator = browse_as(person_of(scene.world.regulator))
    corrected = rows(regulator, as_of=standing_day)
    filed = rows(regulator, as_of=standing_day, view="filed")
    assert corrected[("operator-a", "dc-1")].on_hand == 22
    assert ("operator-a", "dc-1") not in filed
    page = regulator.get(PAGE, {"as_of": standing_day, "view": "filed"}).content.decode()
    assert "corrections left out" in " ".join(page.split())


@pytest.fixture
def standing_day(scene: Scene) -> str:
    """Yesterday, on which, as its signer says by now, the receipt of today was."""
    received = Movement.objects.filter(kind="received").select_related("statement").latest("pk")
    # The world of tests begins today; the log's first statement must be older for yesterday to be a day of the book.
    begin(days_ago=3)
    scene.world.submit(
        StatementCorrected,
        by=scene.world.operator,
        original=bytes(received.statement.digest).hex(),
        effective_at=(door.now() - timedelta(days=1)).replace(microsecond=0),
        reason="learned_later",
        previous=None,
    )
    return day_of(1)


def begin(*, days_ago: int) -> None:
    """Let the book have begun earlier than it did: rows that refuse to change are changed as only a test may."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "UPDATE ledger_statement SET accepted_at = accepted_at - %s"
            " WHERE id = (SELECT min(id) FROM ledger_statement)",
            [timedelta(days=days_ago)],
        )
        cursor.execute("SET session_replication_role = DEFAULT")


def test_what_was_seen_is_what_the_last_sweep_of_that_day_counted(scene: Scene) -> None:
    world = scene.world
    world.submit(
        ChipsInstalled, by=world.operator, site="dc-1", happened_at=door.now(), chips=scene.chips[2:8]
    )
    while integrate():
        pass
    sweep(at=door.now())
    day = DailyBalance.objects.get(site__code="dc-1")
    assert (day.installed, day.seen_hardware) == (6, 0)
    regulator = browse_as(person_of(world.regulator))
    answer = regulator.get(PAGE, {"as_of": day_of()})
    then = rows(regulator)[("operator-a", "dc-1")]
    assert (then.installed, then.seen_hardware, then.unaccounted) == (6, 0, 6)
    assert rows(regulator)[("maker-a", "fab-1")].unaccounted == 0
    assert answer.context["counted"].at == day.measured_at
    assert answer.context["counted"].checkpoint > 0
    assert "the last sweep of that day counted" in " ".join(answer.content.decode().split())
    assert set(rows(regulator, open="on")) == {("operator-a", "dc-1")}


def test_a_day_without_a_sweep_says_that_nothing_is_known_of_what_was_seen(scene: Scene) -> None:
    DailyBalance.objects.all().delete()
    regulator = browse_as(person_of(scene.world.regulator))
    page = regulator.get(PAGE, {"as_of": day_of()}).content.decode()
    assert "No sweep of that day is kept" in page
    assert rows(regulator)[("operator-a", "dc-1")].unaccounted is None


def test_the_export_of_a_day_holds_the_rows_of_the_page_and_says_the_day(scene: Scene) -> None:
    operator = browse_as(person_of(scene.world.operator))
    asked = {"as_of": day_of(), "by": "recorded"}
    answer = operator.get(PAGE, asked | {"format": "csv"})
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert lines[0].startswith("organisation,site,on_hand,installed")
    assert [line.split(",")[:3] for line in lines[1:]] == [["operator-a", "dc-1", "20"]]
    printed = operator.get(PAGE, asked | {"format": "print"}).content.decode()
    assert f"As of: {day_of()}" in printed


def test_everybody_sees_their_own_balances_of_a_day_alone(scene: Scene) -> None:
    other = Party("regulator-fr")
    scene.world.admit(other, "regulator", countries=["FR"])
    assert set(rows(browse_as(person_of(scene.world.maker)))) == {("maker-a", "fab-1")}
    assert rows(browse_as(person_of(scene.world.second_operator))) == {}
    assert rows(browse_as(person_of(other))) == {}
    Organisation.objects.filter(signer__handle="operator-a").update(countries=["FR"])
    assert set(rows(browse_as(person_of(other, email="again@x.example")))) == {("operator-a", "dc-1")}


@pytest.mark.parametrize(
    ("asked", "field", "sentence"),
    [
        ({"as_of": "2999-01-01"}, "as_of", "This day has not come yet; name today or an earlier one."),
        ({"as_of": "1999-01-01"}, "as_of", "The book begins on "),
        ({"as_of": "soon"}, "as_of", "Write a day like 2026-01-31."),
        ({"as_of": "2026-01-31", "view": "sideways"}, "view", "Select a valid choice"),
    ],
)
def test_a_day_that_is_none_is_refused_with_field_and_value(
    scene: Scene, asked: dict[str, str], field: str, sentence: str
) -> None:
    answer = browse_as(person_of(scene.world.operator)).get(PAGE, asked)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert sentence in page
    assert field in page
    assert asked[field] in page
