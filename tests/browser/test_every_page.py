"""Every page of each role, light and dark, wide and narrow: axe-core finds nothing, no script or style is refused, and
nothing hangs over the edge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from django.urls import include, path
from playwright.sync_api import ConsoleMessage, Page

from chipledger import clock
from config.urls import urlpatterns as of_the_house
from ledger.models import Key, KeyRole
from notices.actions.webhooks import add_webhook, send_test
from notices.models import Kind
from portal.actions.drafts import prepare_draft
from registry.access import reader_for
from registry.models import Person, Role
from tests.addresses import addresses
from tests.browser.conftest import confirm_password
from tests.people import Scene, person_of
from tests.world import World

Enter = Callable[..., Page]
AXE = Path(__file__).parent / "build" / "axe.js"
RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
RULES_OF_LOOK = {
    "type": "rule",
    "values": ["color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size"],
}
"""What may hold in one scheme and width, and not in another; all else is examined in the first of
the two: what comes and goes with the width is the frame, which all pages share."""
LOOKS = (("light", 1440), ("dark", 390)), (("light", 390), ("dark", 1440))
"""Each page is seen in one of these pairs, by its name: both schemes and both widths on every page, and all four
together on whatever pages share."""
STRANGERS = ("/account/login/", "/join/", "/no-such-page/")
urlpatterns = [
    *of_the_house,
    path("", include("web.urls")),
]  # with the style page, which is there in debug only


@pytest.fixture
def faults() -> Iterator[list[str]]:
    found: list[str] = []
    yield found
    assert not found, "\n".join(found)


@pytest.fixture
def scene(world: World) -> Scene:
    return Scene(world)


@pytest.mark.browser
@pytest.mark.parametrize("role", ["maker", "operator", "regulator"])
def test_every_page_is_accessible_in_every_look(
    scene: Scene, role: str, enter: Enter, faults: list[str]
) -> None:
    party = getattr(scene.world, role)
    person = person_of(party)
    lay_a_paper_out(person)
    add_a_webhook(person)
    page = enter(person.email)
    watch(page, faults)
    page.goto("/tokens/")
    confirm_password(page)
    for address in addresses(scene, person):
        page.goto(address)
        confirm_password(page)
        faults += examine(page, f"{role} {address}")


@pytest.mark.browser
def test_strangers_pages_and_the_style_page_are_accessible(
    world: World, browser: Any, server: str, settings: Any, faults: list[str]
) -> None:
    settings.DEBUG = True
    settings.ROOT_URLCONF = __name__
    page = browser.new_page(base_url=server)
    watch(page, faults)
    for address in (*STRANGERS, "/style/"):
        page.goto(address)
        faults += examine(page, address)
    page.close()


def lay_a_paper_out(person: Person) -> None:
    """A paper that waits for a signature, of a kind that everybody may prepare."""
    organisation = person.memberships.get().organisation
    reader = reader_for(organisation, role=Role.ADMINISTRATOR, person=person)
    key = Key.objects.get(signer=organisation.pk, role=KeyRole.ADMINISTRATOR)
    prepare_draft(
        "signing_policy.adopted",
        {"refuses_synced": False, "second_above_chips": 100},
        keys=[key],
        by=reader,
        at=clock.now(),
    )


def add_a_webhook(person: Person) -> None:
    """A webhook with a delivery, and so a notice of it."""
    organisation = person.memberships.get().organisation
    reader = reader_for(organisation, role=Role.ADMINISTRATOR, person=person)
    webhook, _ = add_webhook(
        label="Warehouse", url="https://203.0.114.7/hook", kinds=Kind.values, by=reader, at=clock.now()
    )
    send_test(webhook, by=reader, at=clock.now())


def watch(page: Page, faults: list[str]) -> None:
    """Note what the browser complains of: a refused script or style, a script that breaks down."""

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and "status of 404" not in message.text:
            faults.append(f"{page.url}: {message.text}")

    page.on("console", note)
    page.on("pageerror", lambda error: faults.append(f"{page.url}: {error}"))


def examine(page: Page, where: str) -> list[str]:
    """What is wrong with a page in the looks that fall to it."""
    found = []
    usual = page.viewport_size
    page.evaluate(AXE.read_text())
    for (scheme, width), rules in zip(LOOKS[crc32(where.encode()) % 2], (RULES, RULES_OF_LOOK), strict=True):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 900})
        violations = page.evaluate(
            "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']}).then(r => r.violations)",
            rules,
        )
        for violation in violations:
            nodes = "; ".join(node["html"][:140] for node in violation["nodes"][:2])
            found.append(f"{where} ({scheme}, {width}): {violation['id']}, {violation['help']}: {nodes}")
        over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if over > 0:
            found.append(f"{where} ({scheme}, {width}): {over} pixels hang over the edge")
    page.emulate_media(color_scheme="light")
    if usual is not None:
        page.set_viewport_size(usual)
    return found
