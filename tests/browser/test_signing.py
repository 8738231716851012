"""Signing in a real browser: two people over one text, a passkey in another's place, a session that ended meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from ledger.models import Key
from portal.models import Draft
from tests.browser.test_maker_registers import enrol
from tests.browser.test_transfer import in_days
from tests.people import PASSWORD, person_of
from tests.world import World
from tracking.models import Transfer

Enter = Callable[..., Page]


@pytest.fixture
def chips(world: World) -> list[str]:
    return world.commission([f"P{number:04d}-1" for number in range(1, 17)])


def prepare_dispatch(page: Page, chips: list[str], *, second: str = "") -> None:
    page.goto("/transfers/new/")
    page.get_by_label("Chips", exact=False).first.fill("\n".join(chips))
    page.get_by_role("button", name="Freeze the selection").click()
    page.get_by_label("Consignee").select_option("operator-a")
    page.get_by_label("To site").fill("dc-1")
    page.get_by_label("Estimated arrival").fill(in_days(5))
    if second:
        page.get_by_label("Second signatory").select_option(second)
    page.get_by_role("button", name="Prepare the paper").click()


@pytest.mark.browser
def test_above_a_size_two_people_sign_the_same_text_each_with_their_own_passkey(
    world: World, chips: list[str], enter: Enter, tmp_path: Path
) -> None:
    ann, ben = (
        enter(person_of(world.maker, email=f"{name}@maker-a.example").email) for name in ("ann", "ben")
    )
    for page in (ann, ben):
        enrol(page, world.maker.key, tmp_path)
    ann.goto("/keys/")
    ann.get_by_role("link", name="Change the policy").click()
    ann.get_by_label("Two people above so many chips").fill("10")
    mine = Key.objects.filter(purpose="passkey").order_by("pk")[0]
    ann.get_by_label("Sign with").select_option(mine.key_id)
    ann.get_by_role("button", name="Prepare the paper").click()
    expect(ann.get_by_text("two people sign transfers of more than 10 chips")).to_be_visible()
    ann.get_by_role("button", name="Sign with passkey").click()
    expect(ann.get_by_role("heading", name="Statement")).to_be_visible()

    prepare_dispatch(ann, chips)
    expect(ann.get_by_text("name the key of a second signatory")).to_be_visible()
    prepare_dispatch(ann, chips, second=Key.objects.filter(purpose="passkey").latest("pk").key_id)
    expect(ann.get_by_role("heading", name="Sign this paper")).to_be_visible()
    text = ann.locator("pre.bytes").text_content()
    ann.get_by_role("button", name="Sign with passkey").click()
    expect(ann.get_by_text("One signature is here")).to_be_visible()
    assert not Transfer.objects.exists()

    ben.goto("/papers/")
    expect(ben.get_by_role("row", name="Dispatch of 16 chips")).to_contain_text("1 of 2")
    ben.get_by_role("link", name="Dispatch of 16 chips").click()
    assert ben.locator("pre.bytes").text_content() == text
    ben.get_by_role("button", name="Sign with passkey").click()
    expect(ben.get_by_role("heading", name="Maker-A to Operator-A")).to_be_visible()
    assert Transfer.objects.get().quantity == 16


@pytest.mark.browser
def test_a_new_passkey_takes_the_place_of_the_old_one_and_both_sign_that(
    world: World, enter: Enter, tmp_path: Path
) -> None:
    page = enter(person_of(world.maker).email)
    enrol(page, world.maker.key, tmp_path)
    page.goto("/keys/")
    page.get_by_role("link", name="Rotate").click()
    expect(page.get_by_role("heading", name="Rotate your passkey")).to_be_visible()
    page.wait_for_load_state()
    page.get_by_role("button", name="Enrol a signing passkey").click()
    expect(page.get_by_role("heading", name="Sign this paper")).to_be_visible()
    page.wait_for_load_state()
    page.get_by_role("button", name="Sign with passkey").click()
    expect(page.get_by_text("One signature is here")).to_be_visible()
    page.wait_for_load_state()
    page.get_by_role("button", name="Sign with passkey").click()
    expect(page.get_by_role("heading", name="Statement")).to_be_visible()
    passkeys = Key.objects.filter(purpose="passkey").order_by("pk")
    assert [key.revoked_at is None for key in passkeys] == [False, True]
    assert len({key.person for key in passkeys}) == 1


@pytest.mark.browser
def test_who_signs_after_the_session_ended_comes_back_to_the_paper_and_nothing_is_filed(
    world: World, chips: list[str], enter: Enter, tmp_path: Path
) -> None:
    person = person_of(world.maker)
    page = enter(person.email)
    enrol(page, world.maker.key, tmp_path)
    prepare_dispatch(page, chips[:2])
    expect(page.get_by_role("heading", name="Sign this paper")).to_be_visible()
    paper = page.url
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Sign with passkey").click(no_wait_after=True)
    expect(page.get_by_text("Your session had ended")).to_be_visible()
    assert not Transfer.objects.exists()

    page.get_by_label("Email").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(paper)
    page.get_by_role("button", name="Sign with passkey").click()
    expect(page.get_by_role("heading", name="Maker-A to Operator-A")).to_be_visible()
    assert Draft.objects.filter(filed_at__isnull=False, kind="transfer.dispatched").count() == 1
