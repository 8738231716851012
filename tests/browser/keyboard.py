"""Doing everything by keyboard alone, as somebody does who has no mouse or cannot use one."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Locator, Page, expect

MOST_TABS = 250
IS_FOCUSED = "element => element === document.activeElement"


def hit(page: Page, *keys: str) -> None:
    """Press single keys once the page is there whole: before its scripts run, nobody listens to them."""
    page.wait_for_load_state()
    for key in keys:
        page.keyboard.press(key)


def reach(page: Page, wanted: Locator) -> None:
    """Press Tab until the element has the focus; it must be on the page, and within reach of the keyboard."""
    expect(wanted).to_be_visible()
    for _ in range(MOST_TABS):
        if wanted.evaluate(IS_FOCUSED):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{wanted} is not within {MOST_TABS} presses of Tab")


def press(page: Page, wanted: Locator, key: str = "Enter") -> None:
    """Go to a link or a button, and press it."""
    reach(page, wanted)
    page.keyboard.press(key)


def type_into(page: Page, wanted: Locator, text: str) -> None:
    """Go to a field and put a text into it, in place of what is there."""
    reach(page, wanted)
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(text)


def choose(page: Page, wanted: Locator, option: str) -> None:
    """Go to a list and walk through it to the option that begins so."""
    reach(page, wanted)
    for _ in range(100):
        shown = wanted.evaluate("select => select.selectedOptions[0]?.textContent.trim() ?? ''")
        if str(shown).startswith(option):
            return
        page.keyboard.press("ArrowDown")
    raise AssertionError(f"{wanted} has no option that begins with {option!r}")


def drop_in(page: Page, wanted: Locator, file: Path) -> None:
    """Go to a file field, open its dialogue with the space bar, and choose a file there."""
    reach(page, wanted)
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files(file)
