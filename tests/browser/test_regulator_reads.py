"""The regulator's job, in a real browser: from the findings to a chip whose proofs verify offline, and a report."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from chipledger.verification import verify_bundle
from ledger.log_key import note_key
from tests.browser.conftest import picture, sign_out
from tests.browser.keyboard import hit
from tests.people import PASSWORD, Scene, person_of
from tests.world import World

Enter = Callable[..., Page]


@pytest.mark.browser
def test_a_regulator_goes_from_the_findings_to_proofs_that_verify_offline_and_exports_the_report(
    world: World, enter: Enter
) -> None:
    Scene(world)
    page = enter(person_of(world.regulator).email)
    picture(page, "overview-of-a-regulator")
    page.get_by_role("link", name="Findings", exact=True).click()
    page.get_by_label("Rule").select_option("declared_loss")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("row")).to_have_count(3)
    page.get_by_role("link", name="Chip declared lost or stolen").first.click()
    expect(page.get_by_role("heading", name="What it was made from")).to_be_visible()
    page.locator(".title-row .serial").click()
    expect(page.get_by_role("heading", name="History")).to_be_visible()

    with page.expect_download() as download:
        page.get_by_role("link", name="Evidence").first.click()
    report = verify_bundle(Path(download.value.path()).read_bytes(), trusted_vkey=note_key().vkey)
    assert {each.kind for each in report.statements} == {
        "chips.commissioned",
        "transfer.dispatched",
        "transfer.received",
        "chips.lost",
    }

    page.goto("/report/?rule=declared_loss")
    page.get_by_text("Export", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    rows = list(csv.DictReader(Path(download.value.path()).read_text().splitlines()))
    shown = page.get_by_role("region", name="Findings", exact=True).get_by_role("row").count() - 1
    assert len(rows) == shown == 2
    assert {row["subject"] for row in rows} == {"chip:maker-a/A0001-7", "chip:maker-a/A0002-7"}


@pytest.mark.browser
def test_the_slash_key_searches_and_an_exact_serial_opens_its_chip(world: World, enter: Enter) -> None:
    Scene(world)
    page = enter(person_of(world.regulator).email)
    hit(page, "/")
    page.keyboard.type("A0005-7")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="maker-a/A0005-7")).to_be_visible()


@pytest.mark.browser
def test_a_person_signs_out_and_needs_the_password_again(world: World, enter: Enter) -> None:
    person = person_of(world.regulator)
    page = enter(person.email)
    sign_out(page)
    page.goto("/findings/")
    page.get_by_label("Email").fill(person.email)
    page.get_by_label("Password").fill("wrong " + PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_text("are not correct")).to_be_visible()


@pytest.mark.browser
def test_a_regulator_reads_by_keyboard_alone(world: World, enter: Enter) -> None:
    Scene(world)
    page = enter(person_of(world.regulator).email, timezone_id="Europe/Berlin")
    hit(page, "?")
    expect(page.get_by_role("heading", name="Keys", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Keys", exact=True)).to_be_hidden()
    hit(page, "g", "f")
    expect(page.get_by_role("heading", name="Findings", exact=True)).to_be_visible()
    hit(page, "j", "j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What it was made from")).to_be_visible()
    expect(page.get_by_text("Europe/Berlin").first).to_be_visible()  # the reader's own zone beside UTC

    hit(page, "?")
    page.get_by_label("Single keys do nothing in this browser").press("Space")
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Keys", exact=True)).to_be_hidden()
    hit(page, "/")
    expect(page.locator("#search")).not_to_be_focused()
