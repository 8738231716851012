"""An administrator has a program told of notices, by keyboard alone, and sees that it works."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from playwright.sync_api import Page, expect

from ledger import door
from ledger.integrator import integrate
from notices import tasks
from notices.models import Kind, Notice, Webhook
from registry.models import Role
from tests.browser.keyboard import press, reach, type_into
from tests.integration.notices.receiver import listening, status, verifies
from tests.people import PASSWORD, dispatch, person_of
from tests.world import World

Enter = Callable[..., Page]


@pytest.mark.browser
def test_an_administrator_adds_a_webhook_by_keyboard_and_sees_a_test_event_arrive(
    world: World, enter: Enter, settings: Any
) -> None:
    settings.WEBHOOKS_TO_LOOPBACK = True
    boss = person_of(world.operator)
    integrate()
    tasks.watch()
    page = enter(boss.email)
    with listening(status(204)) as receiver:
        page.goto("/notices/")
        press(page, page.get_by_role("link", name="Webhooks"))
        type_into(page, page.get_by_label("Name"), "Warehouse")
        type_into(page, page.get_by_label("URL"), receiver.url)
        box = page.get_by_role("checkbox", name="Job ended")
        reach(page, box)
        page.keyboard.press("Space")
        expect(box).to_be_checked()
        press(page, page.get_by_role("button", name="Add it"))
        page.wait_for_url("**/reauthenticate/**")
        type_into(page, page.get_by_label("Password"), PASSWORD)
        press(page, page.get_by_role("button", name="Confirm"))
        secret = page.get_by_text(re.compile("^whsec_"))
        expect(secret).to_be_visible()
        kept = secret.inner_text().strip()
        press(page, page.get_by_role("button", name="Send a test event"))
        expect(page.get_by_text("Waiting", exact=True)).to_be_visible()
        tasks.deliver()
        expect(page.get_by_text("The receiver took it.")).to_be_visible()
        press(page, page.get_by_role("link", name="Deliveries", exact=True))
        row = page.get_by_role("row").filter(has_text="webhook.test")
        expect(row).to_contain_text("Delivered")
        expect(row).to_contain_text("204")
        (received,) = receiver.received
        assert verifies(received, kept)
        assert json.loads(received.body)["type"] == "webhook.test"

        dispatch(world, world.commission(["W1"]), estimated_arrival=door.now() + timedelta(days=5))
        integrate()
        tasks.watch()
        tasks.deliver()
        assert json.loads(receiver.received[-1].body)["type"] == Kind.TRANSFER_DISPATCHED
    assert Kind.JOB_ENDED in Webhook.objects.get().kinds


@pytest.mark.browser
def test_the_bell_counts_and_a_letter_leads_to_its_notice(world: World, enter: Enter, server: str) -> None:
    boss = person_of(world.operator, Role.PREPARER)
    integrate()
    tasks.watch()
    before = Notice.objects.filter(organisation=world.operator.organisation).count()
    dispatch(world, world.commission(["W1", "W2"]), estimated_arrival=door.now() + timedelta(days=5))
    integrate()
    tasks.watch()
    tasks.mail()
    page = enter(boss.email)
    expect(page.locator(".bell-count")).to_have_text(re.compile(rf"^{before + 1}\b"))
    (letter,) = [each for each in mail.outbox if each.to == [boss.email]]
    number = re.search(r"/notices/(\d+)/", str(letter.body))
    assert number is not None
    page.goto(number[0])
    expect(page.get_by_text("2 chips are on their way: Maker-A to Operator-A.")).to_be_visible()
    press(page, page.get_by_role("button", name="Open what it is about"))
    page.wait_for_url(f"{server}/transfers/*/")
    expect(page.locator(".bell-count")).to_have_text(re.compile(rf"^{before}\b"))
    page.goto("/notices/preferences/")
    box = page.get_by_role("checkbox", name="Transfer dispatched to you: by mail")
    expect(box).to_be_checked()
    reach(page, box)
    page.keyboard.press("Space")
    press(page, page.get_by_role("button", name="Keep this"))
    expect(page.get_by_text("Your choice is kept.")).to_be_visible()
    page.goto("/notices/preferences/")
    expect(box).not_to_be_checked()
