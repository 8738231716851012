"""A real Chromium against a live server, with passkeys that a virtual authenticator makes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect
from pytest_django.live_server_helper import LiveServer

from jobs.actions import run_job
from jobs.models import Job, JobState
from tests.people import PASSWORD
from tests.world import World

os.environ.setdefault(
    "DJANGO_ALLOW_ASYNC_UNSAFE", "true"
)  # Playwright's loop runs in the thread of the tests
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE_MS = 30_000  # a busy machine is no fault of a page
expect.set_options(timeout=PATIENCE_MS)
IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Debian's chromium is not installed; `make test` installs it when it may")
    found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    yield found
    found.close()
    connections.close_all()  # this thread's second one: Django keeps it apart while Playwright's loop runs


@pytest.fixture
def server(live_server: LiveServer, settings: Any) -> str:
    """The address of the house, which is where its passkeys belong."""
    address = live_server.url.replace("127.0.0.1", "localhost")
    settings.PASSKEY_RP_ID = "localhost"
    settings.PASSKEY_ORIGINS = [address]
    settings.CELERY_TASK_ALWAYS_EAGER = False
    return address


@pytest.fixture
def enter(browser: Browser, server: str) -> Iterator[Callable[..., Page]]:
    """Open a browser of one's own and sign in through the form."""
    contexts: list[BrowserContext] = []

    def sign_in(email: str, **options: Any) -> Page:
        context = browser.new_context(base_url=server, viewport={"width": 1440, "height": 900}, **options)
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("pageerror", lambda error: pytest.fail(f"a script broke down: {error}"))
        page.goto("/account/login/")
        page.get_by_label("Email").fill(email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url(f"{server}/")
        return page

    yield sign_in
    for context in contexts:
        context.close()


@pytest.fixture
def world(transactional_db: None) -> World:
    """The world of the other tests, committed, because the server reads it over its own connection."""
    world = World()
    world.found()
    world.populate()
    return world


def confirm_password(page: Page) -> None:
    """Prove anew who one is, where a page asks for it."""
    if "reauthenticate" in page.url:
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Confirm").click()
        page.wait_for_url(lambda url: "reauthenticate" not in url)


def sign_out(page: Page) -> None:
    """Sign out and see it happen: a page that is opened at once would call the click off."""
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()


def give_passkeys(page: Page) -> None:
    """Plug a virtual authenticator into this browser: it verifies its user without asking anybody."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )


def work_off_jobs() -> list[Job]:
    """Do what a worker would do with everything that waits."""
    waiting = list(Job.objects.filter(state=JobState.QUEUED).values_list("pk", flat=True))
    return [job for job in (run_job(number) for number in waiting) if job is not None]


def picture(page: Page, name: str) -> None:
    """A picture for the documentation, taken only when somebody asks for new ones."""
    if os.environ.get("UPDATE_SCREENSHOTS") == "1":
        IMAGES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=IMAGES / f"{name}.png")
