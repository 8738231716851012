"""The three people for whom the face is made, each doing the whole job by keyboard alone, signing with a passkey.

Every page on the way is looked at by axe-core, light and dark. The guides of the documentation come out of these tests.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from ledger.integrator import integrate
from registry.models import Chip, Site
from tests.browser.conftest import work_off_jobs
from tests.browser.guides import Guide
from tests.browser.keyboard import choose, drop_in, hit, press, reach, type_into
from tests.browser.test_every_page import examine
from tests.browser.test_maker_registers import enrol
from tests.browser.test_transfer import in_days
from tests.people import Scene, person_of
from tests.world import World
from tracking.models import Difference, Transfer

Enter = Callable[..., Page]
MODEL = "maker-a-h100"


def look(page: Page, where: str) -> None:
    assert examine(page, where) == []


def type_day(page: Page, label: str, days: int) -> None:
    """A day as it is typed into a date field of this browser: month, day, year."""
    year, month, day = in_days(days).split("-")
    reach(page, page.get_by_label(label))
    page.keyboard.type(f"{month}{day}{year}")


@pytest.mark.browser
def test_a_manufacturer_takes_a_batch_from_upload_to_receipt_by_keyboard_alone(
    world: World, enter: Enter, tmp_path: Path
) -> None:
    page = enter(person_of(world.maker).email)
    enrol(page, world.maker.key, tmp_path)
    guide = Guide(
        "manufacturer",
        "Guide for manufacturers",
        "From a file of new chips to a receipt that anybody can check. You need the role *signatory* and a signing "
        "passkey (*Keys*, *Enrol a signing passkey*).",
    )
    file = tmp_path / "batch.csv"
    file.write_text("serial,model\n" + "".join(f"G{number:04d}-5,{MODEL}\n" for number in range(1, 41)))

    hit(page, "g", "b")
    expect(page.get_by_role("heading", name="Batches", exact=True)).to_be_visible()
    guide.step("Open *Batches* (keys `g` `b`) and press *Register a batch*.")
    press(page, page.get_by_role("link", name="Register a batch").first)
    expect(page.get_by_role("heading", name="Register a batch")).to_be_visible()
    choose(page, page.get_by_label("Site", exact=True), "FAB-1")
    choose(page, page.get_by_label("Sign with"), "My passkey")
    drop_in(page, page.locator("input[name=file]"), file)
    look(page, "register a batch")
    guide.step(
        "Choose the site and your passkey, and drop the file: CSV or JSON Lines with model, serial and device key.",
        page,
    )
    press(page, page.get_by_role("button", name="Check the batch"))
    expect(page.get_by_text("Every row stands up to the rules")).to_be_visible()
    look(page, "dry run")
    guide.step("Every row is checked before anybody signs; faults are named by row, column and value.", page)
    press(page, page.get_by_role("link", name="Go on to sign"))
    expect(page.get_by_text("Registration of 40 chips by maker-a")).to_be_visible()
    look(page, "sign a batch")
    guide.step(
        "Every row is checked before anybody signs. Read the paper: its words and its exact bytes are what you sign.",
        page,
    )
    press(page, page.get_by_role("button", name="Sign with passkey"))
    expect(page.get_by_text("Queued")).to_be_visible()
    guide.step("Sign with your passkey. The work goes on in the background; you can watch it, or cancel it.")
    assert [job.state for job in work_off_jobs()] == ["succeeded"]
    integrate()
    expect(page.get_by_role("heading", name="Receipt")).to_be_visible()
    page.reload()
    expect(page.get_by_text("In the log")).to_be_visible()
    look(page, "receipt")
    guide.step(
        "The receipt names the file's hash, the counts, the rows' root and the place in the log.", page
    )
    assert Chip.objects.count() == 40
    guide.close()


@pytest.mark.browser
def test_an_operator_takes_a_transfer_from_selection_to_a_receipt_with_a_shortage_by_keyboard_alone(
    world: World, enter: Enter, tmp_path: Path
) -> None:
    chips = world.commission([f"K{number:04d}-1" for number in range(1, 9)])
    guide = Guide(
        "operator",
        "Guide for operators",
        "From filing a transfer to signing for what arrived, with a shortage. Both sides sign with their own passkeys.",
    )
    sender = enter(person_of(world.maker).email)
    enrol(sender, world.maker.key, tmp_path)
    hit(sender, "g", "t")
    expect(sender.get_by_role("heading", name="Transfers", exact=True)).to_be_visible()
    press(sender, sender.get_by_role("link", name="File a transfer").first)
    expect(sender.get_by_role("heading", name="File a transfer")).to_be_visible()
    guide.step("Open *Transfers* (keys `g` `t`) and press *File a transfer*.")
    type_into(sender, sender.get_by_label("Chips", exact=False).first, "\n".join(chips))
    look(sender, "choose chips")
    guide.step(
        "Paste, scan, filter or drop the chips, and freeze them: the server keeps count and hash.",
        sender,
    )
    press(sender, sender.get_by_role("button", name="Freeze the selection"))
    choose(sender, sender.get_by_label("Consignee"), "Operator-B")
    type_into(sender, sender.get_by_label("To site"), "dc-3")
    type_day(sender, "Estimated arrival", 5)
    type_into(sender, sender.get_by_label("Waybill"), "NLC-2231-0097")
    choose(sender, sender.get_by_label("Sign with"), "My passkey")
    look(sender, "file a transfer")
    guide.step("Name the consignee, its site, the day of arrival and the waybill.", sender)
    press(sender, sender.get_by_role("button", name="Prepare the paper"))
    expect(sender.get_by_text("Dispatch of 8 chips to operator-b")).to_be_visible()
    look(sender, "sign a dispatch")
    guide.step("Read the paper and sign it. You answer for the chips until the consignee signs.", sender)
    press(sender, sender.get_by_role("button", name="Sign with passkey"))
    expect(sender.get_by_role("heading", name="Maker-A to Operator-B")).to_be_visible()

    receiver = enter(person_of(world.second_operator).email)
    enrol(receiver, world.second_operator.key, tmp_path)
    receiver.goto("/")
    look(receiver, "inbox")
    guide.step("The consignee finds the transfer in its inbox and presses *Receive*.", receiver)
    press(receiver, receiver.get_by_role("link", name="Receive").first)
    found = receiver.get_by_label("Chips found")
    reach(receiver, found)
    for chip in chips[:7]:
        receiver.keyboard.type(chip.partition("/")[2])
        receiver.keyboard.press("Enter")  # as a barcode scanner does
    expect(receiver.locator("#differences")).to_contain_text(chips[7].partition("/")[2])
    look(receiver, "receive")
    guide.step(
        "Scan what arrived. What is missing, and what nobody announced, stands beside it.",
        receiver,
    )
    choose(receiver, receiver.get_by_label("Expected, not seen: why"), "Not in its package")
    guide.step("Say why each difference is there, as far as you can tell.", receiver)
    choose(receiver, receiver.get_by_label("Sign with"), "My passkey")
    press(receiver, receiver.get_by_role("button", name="Prepare the receipt"))
    expect(receiver.get_by_text("Receipt by operator-b, with 1 difference")).to_be_visible()
    look(receiver, "sign a receipt")
    guide.step("Read the receipt: seven chips taken over, one short. Sign it.", receiver)
    press(receiver, receiver.get_by_role("button", name="Sign with passkey"))
    expect(receiver.get_by_role("heading", name="Statement")).to_be_visible()
    transfer = Transfer.objects.get()
    assert (transfer.state, transfer.outstanding) == ("partially_received", 1)
    assert list(Difference.objects.values_list("kind", "name")) == [("short", chips[7])]
    receiver.goto(f"/transfers/{bytes(transfer.digest).hex()}/")
    look(receiver, "transfer")
    guide.step(
        "The transfer keeps the signed difference; the sender still answers for what is short.",
        receiver,
    )
    guide.close()


@pytest.mark.browser
def test_a_regulator_goes_from_the_map_to_an_exported_report_by_keyboard_alone(
    world: World, enter: Enter
) -> None:
    Scene(world)
    Site.objects.filter(code="dc-1").update(longitude_e7=1_390_000_000)  # a mark of its own
    guide = Guide(
        "regulator",
        "Guide for regulators",
        "From the map to a report that can be checked without trusting the server.",
    )
    page = enter(person_of(world.regulator).email)
    look(page, "overview")
    guide.step(
        "The overview shows the sites on the map, as large as their H100-equivalents and coloured by their worst open "
        "finding. Choose one (Tab, then Enter).",
        page,
    )
    press(page, page.locator(".mark[href='/sites/dc-1/']"))
    expect(page.get_by_role("heading", name="How the chips attest")).to_be_visible()
    look(page, "site")
    guide.step("A site shows book against silicon, how its chips attest, and its open findings.", page)
    press(page, page.locator("main a[href*='/findings/?']").first)
    expect(page.get_by_role("heading", name="Findings", exact=True)).to_be_visible()
    look(page, "findings")
    guide.step("Walk through them with `j` and `k`, and open one with Enter.", page)
    hit(page, "j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What it was made from")).to_be_visible()
    look(page, "finding")
    guide.step(
        "A finding says what it was made from, who must explain it and by when, what happened around it, and which "
        "statements it rests on, each with its proof. *Evidence* downloads all of it for `chipledger verify`.",
        page,
    )
    press(page, page.get_by_role("link", name="Report", exact=True))
    expect(page.get_by_role("heading", name="Discrepancy report")).to_be_visible()
    choose(page, page.locator("#id_rule"), "Chip declared lost")
    press(page, page.get_by_role("button", name="Filter"))
    page.wait_for_url("**/report/?*rule=declared_loss*")
    look(page, "report")
    guide.step("Open *Report*, narrow it, and save the view if you need it every Monday.", page)
    press(page, page.locator("summary", has_text="Export"))
    with page.expect_download() as download:
        press(page, page.get_by_role("link", name="CSV"))
    rows = list(csv.DictReader(Path(download.value.path()).read_text().splitlines()))
    assert {row["subject"] for row in rows} == {"chip:maker-a/A0001-7", "chip:maker-a/A0002-7"}
    press(page, page.get_by_role("link", name="A page to print"))
    expect(page.get_by_text("SHA-256 of the CSV")).to_be_visible()
    look(page, "printed report")
    guide.step(
        "Export exactly what is shown: CSV, JSON, or a page to print with checkpoint, time and SHA-256.", page
    )
    guide.close()
