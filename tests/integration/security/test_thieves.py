"""Credentials in the wrong hands: colleagues who left, and what a broken job tells."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import yaml
from allauth.account.adapter import get_adapter
from django.conf import settings
from django.test import Client, RequestFactory

from chipledger import clock
from jobs.actions import MAX_ATTEMPTS, enqueue, run_job
from jobs.models import Job, JobState
from jobs.runners import _RUNNERS, Work
from registry.access import reader_for
from registry.actions.people import end_membership
from registry.actions.tokens import issue_token
from registry.models import ApiToken, Membership, Person, Role
from registry.tokens import living_token
from tests.integration.api.caller import Caller
from tests.people import PASSWORD, person_of
from tests.world import World

pytestmark = pytest.mark.django_db


def token_by(person: Person, world: World, *scopes: str) -> str:
    return issue_token(
        world.operator.organisation,
        by=person,
        label="mine",
        scopes=scopes,
        at=clock.now(),
        lifetime=timedelta(days=9),
    )


def test_a_colleague_who_leaves_takes_no_token_along(world: World) -> None:
    leaver, stayer = person_of(world.operator), person_of(world.operator, email="stays@operator-a.example")
    lasting = token_by(stayer, world, "read")
    gateway = token_by(leaver, world, "attest")
    taken = [token_by(leaver, world, "read"), token_by(leaver, world, "read", "write")]
    by = reader_for(world.operator.organisation, role=Role.ADMINISTRATOR, person=stayer)
    end_membership(Membership.objects.get(person=leaver), by=by, at=clock.now())
    assert [living_token(secret, at=clock.now()) for secret in taken] == [None, None]
    # A gateway's token reads nothing and files only what the machine's key signs; silencing a site would be worse.
    assert living_token(gateway, at=clock.now()) is not None
    assert living_token(lasting, at=clock.now()) is not None


def test_a_token_of_a_person_who_was_shut_out_is_dead(world: World) -> None:
    person = person_of(world.operator)
    secret = token_by(person, world, "read")
    Person.objects.filter(pk=person.pk).update(is_active=False)
    assert living_token(secret, at=clock.now()) is None


def test_a_read_token_changes_nothing(world: World) -> None:
    caller = Caller(world.operator, scopes=["read"])
    for path in ("/statements", "/statements/batch", "/manifests", "/nonces", "/tokens"):
        assert caller.post(path, {}).status_code == 403, path
    assert ApiToken.objects.filter(organisation=world.operator.organisation).count() == 1


def test_a_job_that_breaks_down_does_not_tell_its_owner_what_the_server_saw(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(work: Work) -> dict[str, object]:
        raise LookupError("Key (maker_id, serial)=(7, SECRET) of operator-b")

    monkeypatch.setitem(_RUNNERS, "test.break", break_down)
    job = enqueue("test.break", scope="operator-a")
    Job.objects.filter(pk=job.pk).update(attempts=MAX_ATTEMPTS - 1)
    with pytest.raises(LookupError):
        run_job(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    answer: Any = Caller(world.operator).get(f"/jobs/{job.pk}")
    assert answer.json()["problem"]["code"] == "broke_down"
    assert b"SECRET" not in answer.content


def test_a_password_guesser_behind_the_proxy_does_not_lock_everybody_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Limits of sign-in count the guesser's address, which the proxy tells, and not the proxy's own."""
    assert settings.ALLAUTH_TRUSTED_PROXY_COUNT == 0
    monkeypatch.setattr(settings, "ALLAUTH_TRUSTED_PROXY_COUNT", 1)
    request = RequestFactory().get("/", headers={"x-forwarded-for": "6.6.6.6, 203.0.113.9"})
    assert get_adapter().get_client_ip(request) == "203.0.113.9"
    compose = yaml.safe_load((settings.BASE_DIR / "docker-compose.yml").read_text(encoding="utf-8"))
    assert compose["services"]["web"]["environment"]["TRUSTED_PROXIES"] == "1"


def test_an_administrator_makes_a_token_on_the_page_after_signing_in_anew(world: World) -> None:
    person = person_of(world.operator)
    browser = Client()
    said = {"label": "reader", "scopes": ["read"], "days": "30"}
    browser.force_login(person)
    assert browser.post("/tokens/", said).status_code == 302
    assert not ApiToken.objects.exists()
    browser.post("/account/login/", {"login": person.email, "password": PASSWORD})
    browser.post("/account/reauthenticate/", {"password": PASSWORD})
    answer = browser.post("/tokens/", said)
    assert answer.status_code == 201
    assert ApiToken.objects.get().person == person
