"""Mail: to whom it goes, when, and how little it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.urls import reverse

from audits.actions.sweeps import sweep
from ledger import door
from ledger.integrator import integrate
from notices.actions.mailing import send_mail_waiting
from notices.actions.reading import choose, mark_all_read
from notices.actions.watch import look
from notices.actions.webhooks import forget_settled
from notices.models import Kind, Mailing, MailingState, Notice, Preference
from notices.rules import ASK_FOR_AN_ACT, MAIL_RETRIES
from registry.access import reader_for
from registry.actions.people import end_membership
from registry.models import Membership, Person, Role
from tests.integration.notices.scenes import announce, send
from tests.people import browse_as, person_of
from tests.world import World

pytestmark = pytest.mark.django_db
LINK = re.compile(r"http://localhost:8000(/\S*)")


class Unwilling(EmailBackend):
    """A mail server that takes nothing."""

    def send_messages(self, messages: Any) -> int:
        raise ConnectionRefusedError


UNWILLING = f"{__name__}.Unwilling"


def letters(person: Person) -> list[str]:
    return [str(each.body) for each in mail.outbox if each.to == [person.email]]


def test_somebody_who_never_chose_gets_what_asks_for_an_act_once(watched: World) -> None:
    person = person_of(watched.operator, Role.PREPARER)
    announce(watched)
    assert send_mail_waiting(now=lambda: door.now()) == 1
    (letter,) = letters(person)
    assert "Transfer dispatched to you" in letter
    assert send_mail_waiting(now=lambda: door.now()) == 0
    assert look(at=door.now()) == 0
    assert send_mail_waiting(now=lambda: door.now() + timedelta(days=9)) == 0
    assert set(Mailing.objects.values_list("state", flat=True)) == {MailingState.SENT}


def test_a_viewer_gets_none_until_they_choose_it(watched: World) -> None:
    viewer = person_of(watched.operator, Role.VIEWER)
    announce(watched)
    assert send_mail_waiting(now=lambda: door.now()) == 0
    reader = reader_for(watched.operator.organisation, role=Role.VIEWER, person=viewer)
    choose(silent=[], by_mail=[Kind.TRANSFER_DISPATCHED], by=reader)
    announce(watched, ("N3",))
    send_mail_waiting(now=lambda: door.now())
    assert len(letters(viewer)) == 1


def test_who_wants_no_mail_gets_none_and_reading_all_chooses_nothing(watched: World) -> None:
    quiet, other = (person_of(watched.operator, email=f"{name}@a.example") for name in ("quiet", "other"))
    by = reader_for(watched.operator.organisation, role=Role.ADMINISTRATOR, person=quiet)
    choose(silent=[], by_mail=[], by=by)
    mark_all_read(by=reader_for(watched.operator.organisation, role=Role.ADMINISTRATOR, person=other))
    assert Preference.objects.get(person=other).by_mail is None
    announce(watched)
    send_mail_waiting(now=lambda: door.now())
    assert (len(letters(quiet)), len(letters(other))) == (0, 1)


def test_a_letter_holds_all_that_waits_the_gravest_first_and_says_nothing_that_others_may_not_read(
    watched: World,
) -> None:
    person = person_of(watched.operator)
    send(watched, ("SECRET-1", "SECRET-2"))
    sweep(at=door.now())
    look(at=door.now())
    announce(watched, ("SECRET-3",))
    send_mail_waiting(now=lambda: door.now())
    (letter,) = letters(person)
    (sent,) = [each for each in mail.outbox if each.to == [person.email]]
    assert sent.subject == f"Chipledger: {len(LINK.findall(letter)) - 1} notices"
    for confidential in ("SECRET", "Maker", "maker", "fab-1", "dc-1", "2 chips", "Northern"):
        assert confidential not in str(sent.message()), confidential
    paths = LINK.findall(letter)
    assert paths[-1] == reverse("notice-preferences")
    numbers = [int(path.strip("/").rpartition("/")[2]) for path in paths[:-1]]
    severities = [Notice.objects.get(pk=number).severity or 0 for number in numbers]
    assert len(numbers) >= 3
    assert severities == sorted(severities, reverse=True)
    assert severities[0] > 0
    browser = browse_as(person)
    for path in paths:
        assert browser.get(path).status_code == 200, path


def test_a_letter_lists_fifty_and_leads_to_the_list_for_the_rest(watched: World) -> None:
    person = person_of(watched.operator)
    organisation, now = watched.operator.organisation, door.now()
    Notice.objects.bulk_create(
        Notice(organisation=organisation, kind=Kind.KEYS_CHANGED, fact=f"t:{n}", happened_at=now, made_at=now)
        for n in range(60)
    )
    Mailing.objects.bulk_create(
        Mailing(notice=notice, person=person, next_attempt_at=now)
        for notice in Notice.objects.filter(kind=Kind.KEYS_CHANGED, fact__startswith="t:")
    )
    assert send_mail_waiting(now=lambda: now) == 1
    (letter,) = letters(person)
    assert "10 more are on the list of notices" in letter
    assert len(LINK.findall(letter)) == 50 + 2


@pytest.mark.parametrize("how", ["left", "inactive", "moved to another organisation"])
def test_who_has_left_meanwhile_gets_no_letter(watched: World, how: str) -> None:
    leaver = person_of(watched.operator, Role.PREPARER)
    announce(watched)
    membership = leaver.memberships.get()
    if how == "left":
        by = reader_for(
            watched.operator.organisation, role=Role.ADMINISTRATOR, person=person_of(watched.operator)
        )
        end_membership(membership, by=by, at=door.now())
    elif how == "inactive":
        Person.objects.filter(pk=leaver.pk).update(is_active=False)
    else:
        Membership.objects.filter(pk=membership.pk).update(organisation=watched.second_operator.organisation)
    send_mail_waiting(now=lambda: door.now())
    assert letters(leaver) == []
    assert Mailing.objects.get(person=leaver).state == MailingState.DROPPED


def test_what_went_out_of_sight_is_not_mailed(watched: World) -> None:
    person = person_of(watched.operator)
    announce(watched)
    Notice.objects.update(organisation=watched.second_operator.organisation)
    Membership.objects.update(organisation=watched.second_operator.organisation)
    assert send_mail_waiting(now=lambda: door.now()) == 0
    assert letters(person) == []


def test_of_a_token_only_administrators_are_told_by_mail(watched: World) -> None:
    from registry.actions.tokens import issue_token

    organisation = watched.operator.organisation
    boss, colleague = person_of(watched.operator), person_of(watched.operator, Role.PREPARER)
    for person, role in ((boss, Role.ADMINISTRATOR), (colleague, Role.PREPARER)):
        reader = reader_for(organisation, role=role, person=person)
        choose(silent=[], by_mail=[Kind.TOKENS_CHANGED], by=reader)
    issue_token(organisation, by=None, label="x", scopes=["read"], at=door.now(), lifetime=timedelta(days=1))
    look(at=door.now())
    send_mail_waiting(now=lambda: door.now())
    assert (len(letters(boss)), len(letters(colleague))) == (1, 0)


def test_a_server_that_takes_nothing_is_tried_again_and_in_the_end_no_more(
    watched: World, settings: Any
) -> None:
    person_of(watched.operator)
    announce(watched)
    settings.EMAIL_BACKEND = UNWILLING
    now = door.now()
    for wait in (*MAIL_RETRIES, timedelta(0)):
        assert send_mail_waiting(now=lambda now=now: now) == 0
        now += wait
    mailing = Mailing.objects.get()
    assert (mailing.state, mailing.attempts) == (MailingState.FAILED, len(MAIL_RETRIES) + 1)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert send_mail_waiting(now=lambda: now + timedelta(days=9)) == 0


def test_a_letter_that_was_not_taken_goes_out_later_with_what_is_new_by_then(
    watched: World, settings: Any
) -> None:
    person = person_of(watched.operator)
    announce(watched)
    settings.EMAIL_BACKEND = UNWILLING
    now = door.now()
    send_mail_waiting(now=lambda: now)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert send_mail_waiting(now=lambda: now) == 0
    announce(watched, ("N3",))
    assert send_mail_waiting(now=lambda: now + MAIL_RETRIES[0] + timedelta(minutes=1)) == 1
    (letter,) = letters(person)
    assert letter.count("Transfer dispatched to you") == 2


def test_a_worker_that_never_served_a_page_knows_who_may_read_what_a_notice_is_about() -> None:
    asks = (
        "import django; django.setup(); from registry.access import _VISIBLE; from notices.models import Notice;"
        "print([f.name for f in Notice._meta.fields if f.is_relation and f.related_model not in _VISIBLE])"
    )
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    found = subprocess.run(
        [sys.executable, "-c", asks], env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def test_what_was_sent_long_ago_is_forgotten(watched: World) -> None:
    person_of(watched.operator)
    announce(watched)
    send_mail_waiting(now=lambda: door.now())
    assert forget_settled(at=door.now() + timedelta(days=29)) == 0
    assert forget_settled(at=door.now() + timedelta(days=31)) == 1


def test_the_preferences_are_one_table_that_keeps_what_is_ticked(watched: World) -> None:
    person = person_of(watched.operator)
    browser = browse_as(person)
    page = browser.get(reverse("notice-preferences"))
    mailed = {kind for kind, _, is_mailed in page.context["kinds"] if is_mailed}
    assert mailed == set(ASK_FOR_AN_ACT)
    browser.post(reverse("notice-preferences"), {"counted": Kind.values, "mailed": [Kind.JOB_ENDED]})
    preference = Preference.objects.get(person=person)
    assert (preference.silent, preference.by_mail) == ([], [Kind.JOB_ENDED])
    again = browser.get(reverse("notice-preferences"))
    assert [kind for kind, _, is_mailed in again.context["kinds"] if is_mailed] == [Kind.JOB_ENDED]
    refused = browser.post(reverse("notice-preferences"), {"mailed": "no.such"})
    assert refused.status_code == 422


def test_a_letters_link_says_for_whom_one_has_to_act(watched: World) -> None:
    person = person_of(watched.second_operator)
    announce(watched)
    notice = Notice.objects.get(kind=Kind.TRANSFER_DISPATCHED)
    browser = browse_as(person)
    assert browser.get(reverse("notice", args=[notice.pk])).status_code == 404
    Membership.objects.create(
        person=person, organisation=watched.operator.organisation, role=Role.VIEWER, since=door.now()
    )
    page = browser.get(reverse("notice", args=[notice.pk])).content.decode()
    assert "Act for it" in page
    assert "2 chips" not in page
    browser.post(reverse("acting-for"), {"organisation": "operator-a"})
    assert "2 chips are on their way" in browser.get(reverse("notice", args=[notice.pk])).content.decode()


@pytest.mark.django_db(transaction=True)
def test_two_processes_never_split_or_double_a_letter() -> None:
    world = World()
    world.found()
    world.populate()
    integrate()
    look(at=door.now())
    people = [person_of(world.operator, email=f"p{number}@a.example") for number in range(30)]
    for number in range(3):
        announce(world, (f"N{number}",))
    barrier, now = Barrier(4), door.now()
    seen: list[threading.Thread] = []

    def work(at: datetime) -> int:
        try:
            barrier.wait(timeout=30)
            seen.append(threading.current_thread())
            return send_mail_waiting(now=lambda: at)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        sent = sum(pool.map(work, [now] * 4))
    sent += send_mail_waiting(now=lambda: now)
    assert len(set(seen)) == 4
    assert sent == 30
    for person in people:
        (letter,) = letters(person)
        assert letter.count("Transfer dispatched to you") == 3
