"""The book over HTTP: what each reader learns of chips and transfers, and what it does not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from ledger import door
from registry.tokens import issue_token
from tests.integration.tracking.trade import Trade
from tests.world import Party

pytestmark = pytest.mark.django_db


def client_of(party: Party) -> APIClient:
    secret = issue_token(
        party.organisation, by=None, label="test", scopes=["read"], at=door.now(), lifetime=timedelta(days=1)
    )
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client


def ask(party: Party, path: str, **query: str) -> Any:
    return client_of(party).get(f"/api/v1/{path}", query)


def names(party: Party, **query: str) -> list[str]:
    response = ask(party, "chips", **query)
    assert response.status_code == 200, response.json()
    return [item["chip"] for item in response.json()["items"]]


@pytest.fixture
def foreign(trade: Trade) -> Party:
    """A regulator whose only country nothing here touches."""
    party = Party("regulator-b")
    trade.world.admit(party, "regulator", countries=["JP"])
    return party


def test_a_holder_sees_where_its_chips_are(trade: Trade, chips: list[str]) -> None:
    dispatch = trade.dispatch(chips[:2])
    shown = ask(trade.maker, f"chips/{chips[0]}").json()
    assert (shown["holder"], shown["site"], shown["state"]) == ("maker-a", "fab-1", "in_transit")
    assert shown["transfer"] == dispatch
    assert ask(trade.maker, f"chips/{chips[5]}").json()["state"] == "on_hand"


def test_a_maker_does_not_learn_where_a_delivered_chip_goes(trade: Trade, chips: list[str]) -> None:
    trade.receive(trade.dispatch(chips[:2]))
    shown = ask(trade.maker, f"chips/{chips[0]}").json()
    assert shown["chip"] == chips[0]
    assert {shown[name] for name in ("holder", "site", "state", "since", "installed_at", "transfer")} == {
        None
    }
    assert names(trade.maker, maker="maker-a") == chips
    assert names(trade.maker, holder="operator-a") == []
    assert names(trade.maker, site="dc-1") == []
    assert names(trade.maker, maker="maker-a", state="on_hand") == chips[2:]


def test_a_makers_history_ends_with_its_delivery(trade: Trade, chips: list[str]) -> None:
    trade.receive(trade.dispatch(chips[:1]))
    onward = trade.dispatch(
        chips[:1], by=trade.operator, from_site="dc-1", consignee="operator-b", to_site="dc-3"
    )
    trade.receive(onward, by=trade.stranger)

    def kinds(party: Party) -> list[tuple[str, str]]:
        steps = ask(party, f"chips/{chips[0]}/history").json()["steps"]
        return [(step["kind"], step["target"]["organisation"]) for step in steps]

    made = [("commissioned", "maker-a"), ("dispatched", "maker-a"), ("received", "operator-a")]
    handed_on = [("dispatched", "operator-a"), ("received", "operator-b")]
    assert kinds(trade.maker) == made
    assert kinds(trade.operator) == made[1:] + handed_on
    assert kinds(trade.stranger) == handed_on
    assert kinds(trade.world.regulator) == made + handed_on


def test_a_strangers_chip_does_not_exist(trade: Trade, chips: list[str], foreign: Party) -> None:
    for party in (trade.operator, foreign):
        for path in (f"chips/{chips[0]}", f"chips/{chips[0]}/history", "chips/maker-a/none"):
            assert ask(party, path).status_code == 404
        assert names(party) == []


def test_a_consignee_sees_what_is_under_way_to_it(trade: Trade, chips: list[str]) -> None:
    trade.dispatch(chips[:2])
    assert names(trade.operator) == chips[:2]
    assert ask(trade.operator, f"chips/{chips[0]}").json()["holder"] == "maker-a"


def test_a_former_holder_keeps_its_own_period_only(trade: Trade, chips: list[str]) -> None:
    trade.receive(trade.dispatch(chips[:1]))
    onward = trade.dispatch(
        chips[:1], by=trade.operator, from_site="dc-1", consignee="operator-b", to_site="dc-3"
    )
    trade.receive(onward, by=trade.stranger)
    assert ask(trade.operator, f"chips/{chips[0]}").json()["holder"] is None
    assert names(trade.operator) == []
    assert names(trade.stranger) == chips[:1]


def test_a_regulator_sees_its_countries(trade: Trade, chips: list[str], foreign: Party) -> None:
    assert names(trade.world.regulator) == chips
    assert names(trade.world.regulator, site="fab-1", state="on_hand", model="maker-a-h100") == chips
    assert names(foreign) == []


def test_a_transfer_shows_its_lines_and_differences_to_both_sides(trade: Trade, chips: list[str]) -> None:
    dispatch = trade.dispatch(chips[:3])
    trade.receive(dispatch, short=[chips[1]], over=["maker-a/never-made"], accepted=[chips[0]])
    for party in (trade.maker, trade.operator, trade.world.regulator):
        shown = ask(party, f"transfers/{dispatch}").json()
        assert [line["became"] for line in shown["lines"]] == ["received", "dispatched", "dispatched"]
        assert [(each["kind"], each["name"]) for each in shown["differences"]] == [
            ("short", chips[1]),
            ("over", "maker-a/never-made"),
        ]
        assert (shown["state"], shown["outstanding"], shown["is_disputed"]) == ("partially_received", 2, True)
        lines = client_of(party).get(shown["lines_url"]).json()
        assert [line["chip"] for line in lines["items"]] == chips[:3]
    assert ask(trade.stranger, f"transfers/{dispatch}").status_code == 404
    assert ask(trade.stranger, f"transfers/{'0' * 64}").status_code == 404


def test_a_carrier_sees_its_shipments_without_contents(trade: Trade, chips: list[str]) -> None:
    carrier = Party("carrier-a")
    trade.world.admit(carrier, "carrier")
    dispatch = trade.dispatch(chips, carrier="carrier-a")
    shown = ask(carrier, f"transfers/{dispatch}").json()
    assert (shown["quantity"], shown["lines"], shown["differences"]) == (6, [], [])
    assert ask(carrier, f"chips/{chips[0]}").status_code == 404
    assert ask(carrier, f"transfers/{dispatch}/lines").json()["items"] == []


def test_transfers_are_filtered_by_state_and_direction(trade: Trade, chips: list[str]) -> None:
    first, second = trade.dispatch(chips[:1]), trade.dispatch(chips[1:2])
    trade.receive(first)

    def digests(party: Party, **query: str) -> list[str]:
        return [item["digest"] for item in ask(party, "transfers", **query).json()["items"]]

    assert digests(trade.maker) == [second, first]
    assert digests(trade.maker, state="received") == [first]
    assert digests(trade.maker, direction="incoming") == []
    assert digests(trade.operator, direction="incoming", state="dispatched") == [second]
    assert digests(trade.operator, overdue="true") == []
    assert digests(trade.stranger) == []


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("chips", {"state": "nowhere"}, "bad_state"),
        ("transfers", {"state": "nowhere"}, "bad_state"),
        ("transfers", {"direction": "up"}, "bad_direction"),
        ("chips", {"cursor": "forged"}, "bad_cursor"),
    ],
)
def test_a_filter_that_does_not_exist_is_refused(
    trade: Trade, path: str, query: dict[str, str], code: str
) -> None:
    response = ask(trade.maker, path, **query)
    assert (response.status_code, response.json()["code"]) == (400, code)


def test_pages_follow_each_other(trade: Trade, chips: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.paging.KeysetPagination.page_size", 4)
    client = client_of(trade.maker)
    first = client.get("/api/v1/chips", {"maker": "maker-a"}).json()
    second = client.get(first["next"]).json()
    assert [item["chip"] for item in first["items"] + second["items"]] == chips
    assert second["next"] is None


@pytest.mark.parametrize(
    ("path", "queries"),
    [
        (
            "chips",
            8,
        ),  # token, its last use, the page, where the chips are, and twice the own accounts and transfers
        ("transfers", 3),  # token, its last use, the page with its parties
    ],
)
def test_a_list_asks_as_often_for_many_rows_as_for_one(
    trade: Trade, chips: list[str], path: str, queries: int
) -> None:
    for chip in chips:
        trade.dispatch([chip])
    client = client_of(trade.maker)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert len(client.get(f"/api/v1/{path}").json()["items"]) == 6
    assert len(asked) == queries, [each["sql"][:150] for each in asked]
