"""The manufacturer's job, in a real browser: enrol a passkey, register a file of chips with it, read the receipt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from chipledger.dsse import sign_payload
from chipledger.keys import PrivateKey
from ledger.integrator import integrate
from ledger.models import Key
from portal.models import Draft
from registry.models import Chip
from tests.browser.conftest import give_passkeys, work_off_jobs
from tests.people import PASSWORD, person_of
from tests.world import World

Enter = Callable[..., Page]
MODEL = "maker-a-h100"


def enrol(page: Page, vouching: PrivateKey, folder: Path, *, role: str = "administrator") -> None:
    """Enrol a passkey for signing; the administrator's key, which is no passkey, vouches for it offline."""
    give_passkeys(page)
    page.goto("/keys/enrol/")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_label("Office").select_option(role)
    page.get_by_role("button", name="Go on").click()
    page.wait_for_load_state()
    page.get_by_role("button", name="Enrol a signing passkey").click()
    expect(page.get_by_role("heading", name="Sign this paper")).to_be_visible()
    page.wait_for_load_state()
    page.get_by_role("button", name="Sign with passkey").click()
    expect(page.get_by_text("One signature is here")).to_be_visible()
    draft = Draft.objects.get(kind="key.added", filed_at__isnull=True)
    upload(page, sign_payload(bytes(draft.payload), [vouching]).to_json(), folder)
    expect(page.get_by_text("In the log").or_(page.get_by_text("Not yet in the log"))).to_be_visible()


def upload(page: Page, envelope: bytes, folder: Path) -> None:
    """Hand in an envelope that was signed elsewhere."""
    path = folder / "envelope.json"
    path.write_bytes(envelope)
    page.get_by_text("Sign offline", exact=True).click()
    page.get_by_label("Upload the signed envelope").set_input_files(path)
    page.get_by_role("button", name="File the envelope").click()


@pytest.mark.browser
def test_a_maker_registers_a_file_with_a_passkey_and_gets_its_receipt(
    world: World, enter: Enter, tmp_path: Path
) -> None:
    maker = person_of(world.maker)
    page = enter(maker.email)
    enrol(page, world.maker.key, tmp_path)
    assert Key.objects.filter(purpose="passkey", person=maker.pseudonym).count() == 1
    file = tmp_path / "batch.csv"
    file.write_text("serial,model\n" + "".join(f"B{number:04d}-3,{MODEL}\n" for number in range(1, 121)))

    page.goto("/batches/new/")
    page.get_by_label("Site", exact=True).select_option("fab-1")
    page.locator("input[name=file]").set_input_files(file)
    page.get_by_role("button", name="Check the batch").click()
    expect(page.get_by_text("Every row stands up to the rules")).to_be_visible()
    page.get_by_role("link", name="Go on to sign").click()
    expect(page.get_by_text("Registration of 120 chips by maker-a")).to_be_visible()
    expect(page.locator("pre.bytes")).to_contain_text('"kind":"chips.commissioned"')
    page.get_by_role("button", name="Sign with passkey").click()

    expect(page.get_by_text("Queued")).to_be_visible()
    jobs = work_off_jobs()
    assert [job.state for job in jobs] == ["succeeded"]
    integrate()
    expect(page.get_by_role("heading", name="Receipt")).to_be_visible()  # htmx asks every second
    expect(page.get_by_text("Succeeded")).to_be_visible()
    page.reload()
    expect(page.get_by_text("In the log")).to_be_visible()
    assert Chip.objects.count() == 120


@pytest.mark.browser
def test_a_maker_mends_a_file_by_its_rejected_rows_skips_what_is_registered_and_signs_the_rest(
    world: World, enter: Enter, tmp_path: Path
) -> None:
    world.commission(["OLD-1"], keyed=False)
    page = enter(person_of(world.maker).email)
    enrol(page, world.maker.key, tmp_path)
    file = tmp_path / "batch.csv"
    good = f"model,serial\n{MODEL},GOOD-1\n{MODEL},OLD-1\n"
    file.write_text(good + f"{MODEL},bad serial\nH100!,GOOD-2\n{MODEL},GOOD-1\n")

    page.goto("/batches/new/")
    page.locator("input[name=file]").set_input_files(file)
    page.get_by_role("button", name="Check the batch").click()
    expect(page.get_by_role("cell", name="bad serial", exact=True)).to_be_visible()
    expect(page.get_by_role("cell", name="H100!", exact=True)).to_be_visible()
    with page.expect_download() as download:
        page.get_by_text("All of them as CSV").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert sorted(line.split(",")[:3] for line in lines[1:]) == [
        ["2", "serial", "OLD-1"],
        ["3", "serial", "bad serial"],
        ["4", "model", "H100!"],
        ["5", "serial", "GOOD-1"],
    ]
    assert not Draft.objects.filter(kind="chips.commissioned").exists()

    file.write_text(good)
    page.get_by_role("link", name="Drop the mended file").click()
    page.get_by_label("Skip rows already registered identically").check()
    page.locator("input[name=file]").set_input_files(file)
    page.get_by_role("button", name="Check the batch").click()
    expect(page.get_by_role("heading", name="Rows skipped")).to_be_visible()
    page.get_by_role("link", name="Go on to sign").click()
    expect(page.get_by_text("Registration of 1 chip by maker-a")).to_be_visible()
    page.get_by_role("button", name="Sign with passkey").click()
    expect(page.get_by_text("Queued")).to_be_visible()
    work_off_jobs()
    integrate()
    page.get_by_role("link", name="Receipt to print").click()
    expect(page.get_by_text("Batch root")).to_be_visible()
    expect(page.get_by_text("1 row registered already, identically")).to_be_visible()
    page.goto("/batches/")
    page.get_by_role("region", name="Batches").get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="What became of it")).to_be_visible()
    assert Chip.objects.count() == 2


@pytest.mark.browser
def test_a_maker_writes_ranges_of_serials_and_sees_what_they_name(world: World, enter: Enter) -> None:
    page = enter(person_of(world.maker).email)
    page.goto("/batches/new/")
    page.get_by_text("Write ranges of serials instead of a file").click()
    page.locator("#id_serials").fill("A0001-7..A0099-7, B7, B9..B8")
    page.get_by_label("Model of these serials").select_option(MODEL)
    page.get_by_role("button", name="Check the batch").click()
    expect(page.get_by_text("This range runs backwards")).to_be_visible()
    page.locator("#id_serials").fill("A0001-7..A0099-7, B7")
    page.get_by_role("button", name="Check the batch").click()
    expect(page.get_by_text("Every row stands up to the rules")).to_be_visible()
    expect(page.get_by_role("cell", name="A0001-7", exact=True)).to_be_visible()
    page.get_by_role("link", name="Go on to sign").click()
    expect(page.get_by_text("Registration of 100 chips by maker-a")).to_be_visible()
