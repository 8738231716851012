"""Counting a site in a real browser, by keyboard alone: one chip is missing, and the passkey signs what was found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from audits.actions.sweeps import sweep
from ledger import door
from ledger.integrator import integrate
from tests.browser.keyboard import choose, press, reach
from tests.browser.test_every_page import examine
from tests.browser.test_maker_registers import enrol
from tests.integration.tracking.trade import Trade
from tests.people import person_of
from tests.world import World
from tracking.models import StockCount, StockDifference

Enter = Callable[..., Page]


@pytest.mark.browser
def test_a_site_is_counted_with_one_chip_missing_by_keyboard_and_passkey(
    world: World, enter: Enter, tmp_path: Path
) -> None:
    chips = world.commission([f"C{number:04d}-1" for number in range(1, 17)])
    trade = Trade(world)
    trade.receive(trade.dispatch(chips))
    page = enter(person_of(world.operator).email)
    enrol(page, world.operator.key, tmp_path)
    page.goto("/sites/dc-1/")
    press(page, page.get_by_role("link", name="Count this site"))
    expect(page.get_by_role("heading", name="Count DC-1")).to_be_visible()
    expect(page.locator("#differences")).to_contain_text("C0016-1")
    reach(page, page.get_by_label("Scan"))
    for chip in [*chips[:14], chips[15].replace("C0016", "CO016")]:  # a typed O for a zero
        page.keyboard.type(chip.partition("/")[2])
        page.keyboard.press("Enter")
    expect(page.locator("#differences")).to_contain_text("Typed wrongly?")  # compared while scanning
    assert examine(page, "count a site") == []
    press(page, page.locator("input[name=mend]"), "Space")
    choose(page, page.get_by_label("Sign with"), "My passkey")
    press(page, page.get_by_role("button", name="Prepare the count"))
    expect(page.get_by_text("Count of dc-1 by operator-a: 15 chips found")).to_be_visible()
    expect(page.get_by_text("1 not found, 0 not expected")).to_be_visible()
    press(page, page.get_by_role("button", name="Sign with passkey"))
    expect(page.get_by_role("heading", name="Count of DC-1", exact=True)).to_be_visible()
    counted = StockCount.objects.get()
    assert (counted.expected, counted.found, counted.missing) == (16, 15, 1)
    assert list(StockDifference.objects.values_list("kind", "name")) == [("missing", chips[14])]

    integrate()
    sweep(at=door.now())
    page.reload()
    expect(page.get_by_text("In the log")).to_be_visible()
    page.set_viewport_size({"width": 1440, "height": 900})
    press(page, page.get_by_role("link", name="Open", exact=True))
    expect(page.get_by_role("heading", name="Chip not found when its site was counted")).to_be_visible()
