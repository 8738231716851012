"""Signing in by a passkey of its own, and by a second factor; neither ever signs a statement."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from playwright.sync_api import Page, expect

from ledger.models import Key
from tests.browser.conftest import give_passkeys, sign_out
from tests.people import PASSWORD, person_of
from tests.world import World

Enter = Callable[..., Page]


def confirm(page: Page) -> None:
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_load_state()


@pytest.mark.browser
def test_a_person_signs_in_with_a_passkey_that_signs_no_statement(world: World, enter: Enter) -> None:
    person = person_of(world.operator)
    keys = Key.objects.count()
    page = enter(person.email)
    give_passkeys(page)
    page.goto("/account/2fa/webauthn/add/")
    confirm(page)
    page.get_by_label("Passwordless").check()
    page.get_by_role("button", name="Add").click()
    page.wait_for_url(re.compile("/account/2fa/(?!webauthn/add)"))
    assert Authenticator.objects.filter(user=person, type="webauthn").exists()
    assert Key.objects.count() == keys

    page.goto("/")
    sign_out(page)
    page.goto("/account/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("heading", name="Inbox")).to_be_visible()


@pytest.mark.browser
def test_with_a_second_factor_the_password_alone_does_not_open_the_door(world: World, enter: Enter) -> None:
    person = person_of(world.operator)
    page = enter(person.email)
    page.goto("/account/2fa/totp/activate/")
    confirm(page)
    secret = page.get_by_label("Authenticator secret").input_value()

    def code() -> str:
        return str(format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time()))))

    page.get_by_label("Authenticator code").fill(code())
    page.get_by_role("button", name="Activate").click()
    page.wait_for_url(re.compile("/account/2fa/(?!totp/activate)"))
    page.goto("/")
    sign_out(page)
    page.goto("/account/login/")
    page.get_by_label("Email").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("textbox", name="Code")).to_be_visible()
    page.goto("/findings/")
    expect(page).to_have_url(re.compile("/account/"))
