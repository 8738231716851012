"""What a holder says of its own chips, and where they are in the book afterwards."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chipledger.manifests import Shape
from chipledger.refusals import Refused
from chipledger.statements import SCHEMAS, Statement
from chipledger.statements.tracking import StockOpened
from ledger import door
from tests.integration.tracking.trade import Trade, where
from tests.world import JobRefused, Party
from tracking.models import AccountKind, Holding, Movement
from tracking.rules.transitions import CHANGES

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("the_book_closes")]

WORDS: dict[str, dict[str, object]] = {
    "chips.lost": {"reason": "unknown"},
    "chips.stolen": {"report": "Police 12/7"},
    "chips.recovered": {"reason": "found"},
    "chips.retired": {"reason": "worn_out"},
    "chips.destroyed": {"certificate": "0" * 64},
}
ROADS: dict[AccountKind, list[str]] = {
    AccountKind.ON_HAND: [],
    AccountKind.LOST: ["chips.lost"],
    AccountKind.STOLEN: ["chips.stolen"],
    AccountKind.RETIRED: ["chips.retired"],
    AccountKind.DESTROYED: ["chips.retired", "chips.destroyed"],
}


def say(trade: Trade, kind: str, chips: list[str], *, by: Party | None = None, **fields: Any) -> door.Outcome:
    """File a statement of the holder about chips at dc-1."""
    body: type[Statement] = SCHEMAS[kind, 1]
    place: dict[str, Any] = {} if kind == "chips.destroyed" else {"site": "dc-1"}
    fields = {"happened_at": door.now(), "chips": chips, **place, **WORDS.get(kind, {}), **fields}
    return trade.world.submit(body, by=by or trade.operator, **fields)


@pytest.fixture
def held(trade: Trade, chips: list[str]) -> list[str]:
    trade.receive(trade.dispatch(chips))
    return chips


@pytest.mark.parametrize("kind", list(CHANGES))
@pytest.mark.parametrize("account", [*ROADS, AccountKind.IN_TRANSIT])
def test_an_account_changes_exactly_as_the_table_says(
    trade: Trade, held: list[str], account: AccountKind, kind: str
) -> None:
    chip = held[:1]
    if account == AccountKind.IN_TRANSIT:
        trade.dispatch(chip, by=trade.operator, from_site="dc-1", to_site="dc-2")
    else:
        for road in ROADS[account]:
            say(trade, road, chip)
    if kind == "chips.removed" and account == AccountKind.ON_HAND:
        say(trade, "chips.installed", chip)
    change = CHANGES[kind]
    if account in change.sources:
        say(trade, kind, chip)
        assert where(chip[0]) == (change.target, "operator-a", "dc-1")
        return
    with pytest.raises(Refused) as refused:
        say(trade, kind, chip)
    assert refused.value.code == (account if account != AccountKind.ON_HAND else "on_hand")
    assert where(chip[0])[0] == account


@pytest.mark.parametrize("kind", list(CHANGES))
def test_only_the_holder_speaks_of_its_chips(trade: Trade, held: list[str], kind: str) -> None:
    site = {} if kind == "chips.destroyed" else {"site": "dc-3"}
    with pytest.raises(Refused) as refused:
        say(trade, kind, held[:1], by=trade.stranger, **site)
    assert (refused.value.code, refused.value.sentence) == (
        "not_holder",
        "You do not hold this chip; leave it out, or correct its name.",
    )


def test_installing_changes_placement_and_no_account(trade: Trade, held: list[str]) -> None:
    before = Movement.objects.count()
    say(trade, "chips.installed", held[:2])
    assert Holding.objects.filter(installed_at__isnull=False).count() == 2
    with pytest.raises(Refused) as refused:
        say(trade, "chips.installed", held[:1])
    assert refused.value.code == "installed"
    say(trade, "chips.removed", held[:1])
    assert Holding.objects.filter(installed_at__isnull=False).count() == 1
    with pytest.raises(Refused) as refused:
        say(trade, "chips.removed", held[:1])
    assert refused.value.code == "not_installed"
    assert Movement.objects.count() == before


def test_a_chip_that_leaves_is_not_in_service_any_more(trade: Trade, held: list[str]) -> None:
    say(trade, "chips.installed", held[:1])
    trade.dispatch(held[:1], by=trade.operator, from_site="dc-1", to_site="dc-2")
    assert not Holding.objects.filter(installed_at__isnull=False).exists()


def test_a_chip_is_recovered_at_any_site_of_its_holder(trade: Trade, held: list[str]) -> None:
    say(trade, "chips.stolen", held[:1])
    say(trade, "chips.recovered", held[:1], site="dc-2")
    assert where(held[0]) == ("on_hand", "operator-a", "dc-2")


def test_nothing_happened_in_the_future_or_at_a_strangers_site(trade: Trade, held: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        say(trade, "chips.lost", held[:1], happened_at=door.now() + timedelta(hours=1))
    assert refused.value.code == "happened_in_future"
    with pytest.raises(Refused) as refused:
        say(trade, "chips.lost", held[:1], site="dc-3")
    assert refused.value.code == "not_your_site"


def test_stock_in_the_field_is_opened_by_its_holder(trade: Trade) -> None:
    world = trade.world
    rows = [("maker-a-h100", f"OLD-{number}", "") for number in range(3)]
    manifest = world.upload(world.operator, Shape.COMMISSION, rows)
    world.submit(StockOpened, by=world.operator, maker="maker-a", site="dc-1", manifest=manifest)
    assert where("maker-a/OLD-2") == ("on_hand", "operator-a", "dc-1")
    assert Movement.objects.get().kind == "opened"


def test_stock_is_opened_at_a_site_of_ones_own(trade: Trade) -> None:
    world = trade.world
    manifest = world.upload(world.operator, Shape.COMMISSION, [("maker-a-h100", "OLD-1", "")])
    with pytest.raises(JobRefused) as refused:
        world.submit(StockOpened, by=world.operator, maker="maker-a", site="dc-3", manifest=manifest)
    assert refused.value.code == "not_your_site"
    assert not Holding.objects.exists()
