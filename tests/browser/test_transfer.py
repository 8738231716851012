"""The operator's job, in a real browser: file a transfer, and receive one with a shortage."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from chipledger.dsse import sign_payload
from ledger import door
from ledger.integrator import integrate
from portal.models import Draft
from registry.models import Role
from tests.browser.test_maker_registers import enrol, upload
from tests.people import dispatch, person_of
from tests.world import World
from tracking.models import Difference, Holding, Transfer

Enter = Callable[..., Page]


def in_days(number: int) -> str:
    return (door.now() + timedelta(days=number)).date().isoformat()


@pytest.fixture
def chips(world: World) -> list[str]:
    return world.commission([f"C{number:04d}-1" for number in range(1, 17)])


@pytest.mark.browser
def test_a_holder_files_a_transfer_by_an_uploaded_envelope_and_the_consignee_receives_it_short_by_passkey(
    world: World, chips: list[str], enter: Enter, tmp_path: Path
) -> None:
    sender = enter(person_of(world.maker).email)
    sender.goto("/transfers/new/")
    sender.get_by_label("Chips", exact=False).first.fill("\n".join(chip.partition("/")[2] for chip in chips))
    sender.get_by_role("button", name="Freeze the selection").click()
    sender.get_by_label("Consignee").select_option("operator-b")
    sender.get_by_label("To site").fill("dc-3")
    sender.get_by_label("Estimated arrival").fill(in_days(5))
    sender.get_by_label("Waybill").fill("NLC-2231-0097")
    sender.get_by_role("button", name="Prepare the paper").click()
    expect(sender.get_by_text("Dispatch of 16 chips to operator-b")).to_be_visible()
    draft = Draft.objects.get()
    upload(sender, sign_payload(bytes(draft.payload), [world.maker.key]).to_json(), tmp_path)
    expect(sender.get_by_role("heading", name="Maker-A to Operator-B")).to_be_visible()
    transfer = Transfer.objects.get()
    assert transfer.outstanding == 16

    receiver = enter(person_of(world.second_operator).email)
    enrol(receiver, world.second_operator.key, tmp_path)
    receiver.goto("/")
    receiver.get_by_role("link", name="Receive").click()
    found = [chip.partition("/")[2] for chip in chips[:14]]
    found[13] = found[13].replace("C0014", "CO014")  # a typed O for a zero
    receiver.get_by_label("Chips found").press_sequentially("x")
    expect(receiver.locator("#differences")).to_contain_text("Seen, not expected")  # compared while typing
    receiver.get_by_label("Chips found").fill("\n".join(found))
    receiver.get_by_role("button", name="Compare").click()
    expect(receiver.get_by_role("heading", name="Expected, not seen")).to_be_visible()
    receiver.locator("input[name=mend]").check()
    receiver.get_by_label("Expected, not seen: why").select_option("package_missing")
    receiver.get_by_role("button", name="Prepare the receipt").click()
    expect(receiver.get_by_text("Receipt by operator-b, with 2 differences")).to_be_visible()
    receiver.get_by_role("button", name="Sign with passkey").click()
    expect(receiver.get_by_role("heading", name="Statement")).to_be_visible()
    integrate()
    receiver.reload()
    receiver.get_by_role("button", name="Verify", exact=True).click()
    expect(receiver.locator(".verify [role=status]")).to_have_text("All of it holds.")
    expect(receiver.locator(".verify ol")).to_contain_text("with a passkey")

    transfer.refresh_from_db()
    assert (transfer.state, transfer.outstanding) == ("partially_received", 2)
    assert set(Difference.objects.values_list("kind", "name")) == {("short", chips[14]), ("short", chips[15])}
    assert Holding.objects.filter(account__organisation=world.second_operator.organisation).count() == 14
    receiver.evaluate("dispatchEvent(new Event('beforeprint'))")  # on paper, what proves it is open
    expect(receiver.locator(".paper details")).to_have_count(2)
    expect(receiver.locator(".paper details:not([open])")).to_have_count(0)
    receiver.goto(f"/transfers/{bytes(transfer.digest).hex()}/")
    expect(receiver.get_by_role("heading", name="Shipper/receiver differences")).to_be_visible()


@pytest.mark.browser
def test_a_holder_dispatches_by_filter_and_the_consignee_receives_short_by_scanning_and_installs(
    world: World, chips: list[str], enter: Enter, tmp_path: Path
) -> None:
    sender = enter(person_of(world.maker).email)
    sender.goto("/transfers/new/")
    sender.get_by_label("At site").select_option("fab-1")
    sender.get_by_label("Serial begins with").fill("C000")
    sender.get_by_label("Only the first").fill("3")
    sender.get_by_role("button", name="Freeze the selection").click()
    expect(sender.get_by_text("The first 3, at fab-1, whose serial begins with C000")).to_be_visible()
    sender.get_by_label("Consignee").select_option("operator-a")
    sender.get_by_label("To site").fill("dc-1")
    sender.get_by_label("Estimated arrival").fill(in_days(5))
    sender.get_by_label("Authorisation").fill("BIS D-1094/26")
    sender.get_by_role("button", name="Prepare the paper").click()
    expect(sender.get_by_text("Dispatch of 3 chips to operator-a")).to_be_visible()
    upload(sender, sign_payload(bytes(Draft.objects.get().payload), [world.maker.key]).to_json(), tmp_path)
    expect(sender.get_by_role("heading", name="Maker-A to Operator-A")).to_be_visible()
    transfer = Transfer.objects.get()

    receiver = enter(person_of(world.operator).email)
    receiver.goto(f"/transfers/{bytes(transfer.digest).hex()}/receive/")
    scanner = receiver.get_by_label("Scan")
    for chip in (chips[0], chips[1], chips[0]):
        scanner.fill(chip.partition("/")[2])
        scanner.press("Enter")
    expect(receiver.get_by_text("is in the list already. 2 in the list.")).to_be_visible()
    expect(receiver.locator("#differences")).to_contain_text("Expected, not seen")  # compared while scanning
    receiver.get_by_role("button", name="Prepare the receipt").click()
    expect(receiver.get_by_text("Say of each difference why")).to_be_visible()
    receiver.get_by_label("Expected, not seen: why").select_option("not_in_package")
    receiver.get_by_role("button", name="Prepare the receipt").click()
    expect(receiver.get_by_text("Receipt by operator-a, with 1 difference")).to_be_visible()
    draft = Draft.objects.get(kind="transfer.received")
    upload(receiver, sign_payload(bytes(draft.payload), [world.operator.key]).to_json(), tmp_path)
    expect(receiver.get_by_role("heading", name="Statement")).to_be_visible()
    assert set(Difference.objects.values_list("name", "why")) == {(chips[2], "not_in_package")}

    receiver.goto("/sites/dc-1/")
    receiver.get_by_role("link", name="Install chips").click()
    expect(receiver.get_by_label("At site")).to_have_value("dc-1")
    receiver.get_by_role("button", name="Freeze the selection").click()
    expect(receiver.get_by_text("All, at dc-1")).to_be_visible()
    receiver.get_by_role("button", name="Prepare the paper").click()
    expect(receiver.get_by_text("Installed: 2 chips")).to_be_visible()
    draft = Draft.objects.get(kind="chips.installed")
    upload(receiver, sign_payload(bytes(draft.payload), [world.operator.key]).to_json(), tmp_path)
    expect(receiver.get_by_role("heading", name="Statement")).to_be_visible()
    assert Holding.objects.filter(installed_at__isnull=False).count() == 2


@pytest.mark.browser
def test_a_paper_that_changed_between_view_and_signature_is_refused(
    world: World, chips: list[str], enter: Enter, tmp_path: Path
) -> None:
    page = enter(person_of(world.maker).email)
    page.goto("/transfers/new/")
    page.get_by_label("Chips", exact=False).first.fill("\n".join(chips[:2]))
    page.get_by_role("button", name="Freeze the selection").click()
    page.get_by_label("Consignee").select_option("operator-a")
    page.get_by_label("To site").fill("dc-1")
    page.get_by_label("Estimated arrival").fill(in_days(5))
    page.get_by_role("button", name="Prepare the paper").click()
    expect(page.get_by_role("heading", name="Sign this paper")).to_be_visible()
    draft = Draft.objects.get()
    altered = json.loads(bytes(draft.payload)) | {"to_site": "dc-2"}
    payload = json.dumps(altered, separators=(",", ":")).encode()

    upload(page, sign_payload(payload, [world.maker.key]).to_json(), tmp_path)

    expect(page.get_by_text("is not the text that is frozen here")).to_be_visible()
    assert not Transfer.objects.exists()


@pytest.mark.browser
def test_of_two_people_who_receive_at_once_the_second_is_told(
    world: World, chips: list[str], enter: Enter, tmp_path: Path
) -> None:
    digest = dispatch(world, chips[:4])
    pages = [
        enter(person_of(world.operator, email=f"{name}@operator-a.example").email) for name in ("one", "two")
    ]
    papers = []
    for page in pages:
        page.goto(f"/transfers/{digest}/receive/")
        page.get_by_label("Chips found").fill("\n".join(chips[:4]))
        page.get_by_role("button", name="Prepare the receipt").click()
        expect(page.get_by_role("heading", name="Sign this paper")).to_be_visible()
        papers.append(Draft.objects.order_by("-created_at")[0])
    for page, draft in zip(pages, papers, strict=True):
        upload(page, sign_payload(bytes(draft.payload), [world.operator.key]).to_json(), tmp_path)

    expect(pages[0].get_by_role("heading", name="Statement")).to_be_visible()
    expect(
        pages[1].get_by_text("This transfer is received; that cannot be signed any more. Look at it again.")
    ).to_be_visible()
    pages[1].goto(f"/transfers/{digest}/receive/")
    expect(pages[1].get_by_text("Nothing to receive here")).to_be_visible()


@pytest.mark.browser
def test_a_colleague_without_the_role_reads_why_the_button_is_disabled(
    world: World, chips: list[str], enter: Enter
) -> None:
    digest = dispatch(world, chips[:4])
    page = enter(person_of(world.operator, Role.VIEWER).email)
    page.goto(f"/transfers/{digest}/")
    button = page.get_by_role("button", name="Receive")
    expect(button).to_have_attribute("aria-disabled", "true")
    button.focus()
    expect(page.locator(".refusal-sentence").first).to_have_text(
        "This needs the role preparer; yours is viewer. Ask an administrator."
    )
    stranger = enter(person_of(world.second_operator).email)
    answer = stranger.goto(f"/transfers/{digest}/")
    assert answer is not None
    assert answer.status == 404
