"""Corrections of the instant of a statement, and the book on a day gone by, for each reader as far as it may see."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chipledger.refusals import Refused
from chipledger.statements.tracking import ChipsInstalled, ChipsLost, ChipsRecovered, StatementCorrected
from ledger import door
from registry.access import Reader, reader_for
from registry.models import Chip, Role
from tests.integration.tracking.test_api import ask
from tests.integration.tracking.trade import Trade
from tests.world import Party
from tracking.models import Account, Correction, Holding, Movement
from tracking.queries.as_of import AsOf, By, each_view, known_lines_at, lines_at, standing_of, standings
from tracking.queries.counts_at import counts_at
from tracking.queries.history import View, history_of

pytestmark = pytest.mark.django_db


def ago(**gone: float) -> datetime:
    now = door.now() - timedelta(**gone)
    return now.replace(microsecond=0)


def correct(
    trade: Trade, original: str, at: datetime, *, by: Party | None = None, previous: str | None = None
) -> str:
    fields: dict[str, Any] = {"original": original, "effective_at": at, "reason": "typed_wrong"}
    if previous is not None:
        fields["previous"] = previous
    return trade.world.submit(StatementCorrected, by=by or trade.maker, **fields).digest.hex()


def refusal(trade: Trade, *said: Any, **fields: Any) -> tuple[str, int]:
    with pytest.raises(Refused) as refused:
        correct(trade, *said, **fields)
    return refused.value.code, refused.value.status


def reader(party: Party) -> Reader:
    return reader_for(party.organisation, role=Role.VIEWER)


def lose(trade: Trade, chips: list[str], at: datetime) -> str:
    return trade.world.submit(
        ChipsLost, by=trade.operator, site="dc-1", happened_at=at, reason="unknown", chips=chips
    ).digest.hex()


@pytest.mark.usefixtures("the_book_closes")
def test_a_correction_stands_beside_what_was_filed(trade: Trade, chips: list[str]) -> None:
    trade.receive(trade.dispatch(chips[:2]))
    received = Movement.objects.get(kind="received")
    lost = lose(trade, chips[:1], door.now())
    moved = Movement.objects.get(kind="lost")
    wanted = received.effective_at + (moved.effective_at - received.effective_at) / 2
    wanted = wanted.replace(microsecond=wanted.microsecond // 1000 * 1000)
    first = correct(trade, lost, wanted, by=trade.operator)
    assert Movement.objects.get(kind="lost").effective_at == moved.effective_at
    shown = {
        view: ask(trade.operator, f"chips/{chips[0]}/history", view=view).json()["steps"][-1]
        for view in ("filed", "corrected", "both")
    }
    assert shown["filed"]["effective_at"] == shown["filed"]["filed_at"]
    assert not shown["filed"]["corrections"]
    assert shown["corrected"]["effective_at"] != shown["corrected"]["filed_at"]
    assert [each["statement"] for each in shown["both"]["corrections"]] == [first]
    second = correct(trade, lost, moved.effective_at, by=trade.operator, previous=first)
    steps = ask(trade.operator, f"chips/{chips[0]}/history", view="both").json()["steps"]
    assert [each["statement"] for each in steps[-1]["corrections"]] == [first, second]


def test_only_the_signer_corrects_and_a_stranger_learns_nothing(trade: Trade, chips: list[str]) -> None:
    dispatch = trade.dispatch(chips[:1])
    assert refusal(trade, dispatch, ago(days=1), by=trade.operator) == ("not_your_statement", 403)
    assert refusal(trade, dispatch, ago(days=1), by=trade.stranger) == ("unknown_statement", 404)
    assert refusal(trade, "0" * 64, ago(days=1)) == ("unknown_statement", 404)


def test_an_instant_out_of_order_is_refused(trade: Trade, chips: list[str]) -> None:
    dispatch = trade.dispatch(chips[:1])
    filed = Movement.objects.get(kind="dispatched").effective_at
    trade.receive(dispatch)
    received = Movement.objects.get(kind="received").effective_at
    assert refusal(trade, dispatch, door.now() + timedelta(days=1))[0] == "happened_in_future"
    assert refusal(trade, dispatch, filed)[0] == "same_instant"
    assert refusal(trade, dispatch, ago(days=1))[0] == "before_the_movement_before"
    later = received + timedelta(milliseconds=1)
    assert refusal(trade, dispatch, later)[0] == "after_the_movement_after"


def test_what_moved_nothing_and_what_is_a_correction_is_not_corrected(trade: Trade, chips: list[str]) -> None:
    trade.receive(trade.dispatch(chips[:2]))
    installed = trade.world.submit(
        ChipsInstalled, by=trade.operator, site="dc-1", happened_at=door.now(), chips=chips[:1]
    ).digest.hex()
    assert refusal(trade, installed, door.now(), by=trade.operator)[0] == "not_correctable"
    lost = lose(trade, chips[:1], door.now())
    first = correct(trade, lost, door.now(), by=trade.operator)
    assert refusal(trade, first, door.now(), by=trade.operator)[0] == "is_a_correction"


def test_a_correction_of_a_state_that_has_moved_on_is_refused(trade: Trade, chips: list[str]) -> None:
    trade.receive(trade.dispatch(chips[:2]))
    lost = lose(trade, chips[:1], door.now())
    assert refusal(trade, lost, door.now(), by=trade.operator, previous=lost) == ("stale_previous", 409)
    correct(trade, lost, door.now(), by=trade.operator)
    assert refusal(trade, lost, door.now(), by=trade.operator) == ("stale_previous", 409)


def test_corrections_are_never_changed(trade: Trade, chips: list[str]) -> None:
    trade.receive(trade.dispatch(chips[:2]))
    correct(trade, lose(trade, chips[:1], door.now()), door.now(), by=trade.operator)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE tracking_correction SET reason = 'learned_later'")


def test_a_past_holder_does_not_look_forward_nor_a_later_one_back(trade: Trade, chips: list[str]) -> None:
    trade.receive(trade.dispatch(chips[:1]))
    onward = trade.dispatch(
        chips[:1], by=trade.operator, from_site="dc-1", consignee="operator-b", to_site="dc-3"
    )
    trade.receive(onward, by=trade.stranger)
    today = door.now().date().isoformat()
    for by in By:
        holders = {
            party.handle: ask(party, f"chips/{chips[0]}", as_of=today, by=by).json()["holder"]
            for party in (trade.maker, trade.operator, trade.stranger, trade.world.regulator)
        }
        assert holders == {
            "maker-a": None,
            "operator-a": None,
            "operator-b": "operator-b",
            "regulator-a": "operator-b",
        }
        assert [
            each["chip"] for each in ask(trade.operator, "chips", as_of=today, by=by).json()["items"]
        ] == []
        held = ask(trade.stranger, "chips", as_of=today, by=by, holder="operator-b").json()["items"]
        assert [each["chip"] for each in held] == chips[:1]
    steps = ask(trade.stranger, f"chips/{chips[0]}/history", as_of=today).json()["steps"]
    assert [step["kind"] for step in steps] == ["dispatched", "received"]


@pytest.mark.parametrize(
    ("asked", "code", "sentence"),
    [
        ({"as_of": "soon"}, "bad_date", "Write a day like 2026-01-31."),
        ({"as_of": "2999-01-01"}, "bad_date", "This day has not come yet; name today or an earlier one."),
        ({"as_of": "1999-01-01"}, "bad_date", "The book begins on "),
        ({"view": "mine"}, "bad_view", "Choose a view from filed, corrected, both."),
        ({"by": "heart"}, "bad_time", "Choose a time from effective, recorded."),
    ],
)
def test_a_bad_question_about_time_is_answered_with_a_sentence(
    trade: Trade, chips: list[str], asked: dict[str, str], code: str, sentence: str
) -> None:
    for path in (f"chips/{chips[0]}", f"chips/{chips[0]}/history", "chips"):
        answer = ask(trade.maker, path, **asked)
        assert (answer.status_code, answer.json()["code"]) == (400, code)
        assert sentence in str(answer.json())


DAYS = st.lists(st.integers(0, 6), min_size=4, max_size=4)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(filed=DAYS, corrected=DAYS, day=st.integers(0, 7), by=st.sampled_from(By), view=st.sampled_from(View))
def test_the_book_of_a_day_agrees_with_a_naive_reading(
    trade: Trade, filed: list[int], corrected: list[int], day: int, by: By, view: View
) -> None:
    """Random losses and recoveries, corrected at random: the query names the account that a loop over them names."""
    with transaction.atomic():
        name = trade.world.commission(["RANDOM-1"], site="fab-1")[0]
        for place, gone in enumerate(filed):
            body = ChipsRecovered if place % 2 else ChipsLost
            at = ago(days=gone)
            statement = trade.world.submit(
                body, by=trade.maker, site="fab-1", happened_at=at, chips=[name], reason="unknown"
            ).digest.hex()
            # Refused where it would put the movements out of order; then it stays as filed.
            with suppress(Refused):
                correct(trade, statement, ago(days=corrected[place], hours=1))
        chip = Chip.objects.get(serial="RANDOM-1")
        asked = AsOf((door.now() - timedelta(days=day)).date(), by, view)
        found = {line.chip_id: line.movement.target.kind for line in lines_at(asked).filter(chip=chip)}
        assert found.get(chip.pk) == _naive(chip, asked)
        views = each_view(replace(asked, view=View.BOTH))
        in_any = {line.movement.target.kind for line in lines_at(*views).filter(chip=chip)}
        assert in_any == {_naive(chip, each) for each in views} - {None}
        known = {line.movement.target.kind for line in known_lines_at(reader(trade.maker), *views)}
        assert known == in_any
        assert not known_lines_at(reader(trade.operator), *views).exists()
        stood = standing_of(
            chip, history_of(chip, reader=reader(trade.maker)), asked, reader=reader(trade.maker)
        )
        assert (stood and stood.account) == found.get(chip.pk)
        assert standings([chip], asked, reader=reader(trade.maker)).get(chip.pk) == stood
        on_accounts = Counter(line.movement.target_id for line in lines_at(asked).select_related("movement"))
        assert counts_at(set(Account.objects.values_list("pk", flat=True)), asked) == on_accounts
        transaction.set_rollback(True)


def test_of_both_views_everybody_knows_what_they_know_of_each(trade: Trade) -> None:
    """A receipt corrected by days, and a transfer under way: whoever asks, of whichever day and time."""
    chips = trade.world.commission(["SEEN-1", "SEEN-2", "SEEN-3"])
    sent = trade.dispatch(chips[:2], dispatched_at=ago(days=6))
    received = trade.receive(sent, received_at=ago(days=3)).digest.hex()
    correct(trade, received, ago(days=1), by=trade.operator)
    trade.dispatch(chips[2:], consignee="operator-b", to_site="dc-3", dispatched_at=ago(days=4))
    regulator = reader(trade.world.regulator)
    readers = [reader(party) for party in (trade.maker, trade.operator, trade.stranger)]
    readers += [replace(regulator, countries=countries) for countries in (("US",), ("DE",), ("FR",), ())]
    told = set()
    for who in readers:
        for day in range(8):
            for by in By:
                views = each_view(AsOf((door.now() - timedelta(days=day)).date(), by, View.BOTH))
                one, other = (set(known_lines_at(who, view).values_list("pk", flat=True)) for view in views)
                assert set(known_lines_at(who, *views).values_list("pk", flat=True)) == one | other
                told.add((bool(one), one == other))
    assert told >= {(True, True), (True, False), (False, True)}


def _naive(chip: Chip, asked: AsOf) -> str | None:
    until = datetime.combine(asked.day + timedelta(days=1), datetime.min.time(), tzinfo=UTC)
    account = None
    for movement in Movement.objects.filter(lines__chip=chip).order_by("pk"):
        at = movement.effective_at
        for correction in Correction.objects.filter(original=movement.statement_id).order_by("pk"):
            at = at if asked.view == View.FILED else correction.effective_at
        counted = movement.recorded_at if asked.by == By.RECORDED else at
        if counted < until:
            account = movement.target.kind
    return account


def test_a_list_of_a_day_asks_the_same_number_of_questions_however_long(
    trade: Trade, chips: list[str], django_assert_max_num_queries: Any
) -> None:
    today = AsOf(door.now().date(), By.EFFECTIVE, View.CORRECTED)
    found = list(Chip.objects.all())
    maker = reader(trade.maker)
    with django_assert_max_num_queries(1):
        assert len(standings(found, today, reader=maker)) == len(chips)
    assert Holding.objects.count() == len(chips)
