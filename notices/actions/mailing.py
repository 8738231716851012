"""Mail to people: one letter for each person and run, with all that waits for them, the gravest first.

Mail is not confidential: a letter names kinds and leads to pages, and whoever follows it signs in. A letter that was
handed over while the process died before noting it is sent again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from smtplib import SMTPException
from time import monotonic
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.urls import reverse

from chipledger import clock
from notices.actions.alone import RUN_SECONDS, alone
from notices.models import Mailing, MailingState, Notice
from notices.rules import mail_again_after
from registry.access import reader_for, visible
from registry.models import Membership, Person, Role

log = logging.getLogger(__name__)

PEOPLE_AT_ONCE: Final = 5
LEASE: Final = timedelta(minutes=15)
"""So long nobody else tries what a process has taken: longer than a mail server may keep it waiting."""
MOST_LISTED: Final = 50


@dataclass(frozen=True)
class Letter:
    """What goes to one person in one run."""

    person: Person
    notices: Sequence[Notice]
    mailings: Sequence[int]


def send_mail_waiting(*, now: Callable[[], datetime] = clock.now) -> int:
    """Send letters that are due, for a while, and say how many went out; none while another process does."""
    with alone("mail") as is_ours:
        return _send_waiting(now) if is_ours else 0


def _send_waiting(now: Callable[[], datetime]) -> int:
    sent, end = 0, monotonic() + RUN_SECONDS
    while monotonic() < end and (letters := _claim(at=now())):
        sent += sum(_send(letter, at=now()) for letter in letters)
    return sent


@transaction.atomic
def _claim(*, at: datetime) -> list[Letter]:
    """Take what is due for a number of people, whole people only, and end what is not theirs to read any more.

    The person's row is locked, so that two processes never split what belongs in one letter.
    """
    due = Mailing.objects.filter(state=MailingState.WAITING, next_attempt_at__lte=at)
    people = Person.objects.filter(Exists(due.filter(person=OuterRef("pk")))).order_by("pk")
    taken = {
        person.pk: person
        for person in people.select_for_update(skip_locked=True, no_key=True)[:PEOPLE_AT_ONCE]
    }
    found = list(
        due.filter(person__in=taken)
        .select_for_update(of=["self"])
        .select_related("notice")
        .order_by("person_id", "notice__organisation_id", "-notice__happened_at")
    )
    readable = _readable(found, taken)
    mine = [each for each in found if (each.person_id, each.notice_id) in readable]
    gone = [each.pk for each in found if (each.person_id, each.notice_id) not in readable]
    Mailing.objects.filter(pk__in=gone).update(
        state=MailingState.DROPPED, next_attempt_at=None, settled_at=at
    )
    Mailing.objects.filter(pk__in=[each.pk for each in mine]).update(
        attempts=F("attempts") + 1, next_attempt_at=at + LEASE
    )
    return [_letter(taken[pk], list(theirs)) for pk, theirs in groupby(mine, lambda each: each.person_id)]


def _readable(found: Sequence[Mailing], people: dict[int, Person]) -> set[tuple[int, int]]:
    """Which pairs of person and notice may be told now: members whose account is open, of what they may still see.

    One question for each membership among a batch of people, not for each notice.
    """
    members = Membership.objects.filter(
        person__in=[pk for pk, person in people.items() if person.is_active], until__isnull=True
    ).select_related("organisation__signer")
    asked = {(each.person_id, each.notice.organisation_id) for each in found}
    numbers = [each.notice_id for each in found]
    return {
        (member.person_id, number)
        for member in members
        if (member.person_id, member.organisation_id) in asked
        for number in visible(
            reader_for(member.organisation, role=Role(member.role), person=people[member.person_id]), Notice
        )
        .filter(pk__in=numbers)
        .values_list("pk", flat=True)
    }


def _letter(person: Person, mailings: Sequence[Mailing]) -> Letter:
    notices = sorted(
        (each.notice for each in mailings), key=lambda notice: notice.severity or 0, reverse=True
    )
    return Letter(person, notices, [each.pk for each in mailings])


def _send(letter: Letter, *, at: datetime) -> bool:
    """Hand one letter over; a mail server that will not take it is tried again later, and in the end no more."""
    mailings = Mailing.objects.filter(pk__in=letter.mailings, state=MailingState.WAITING)
    try:
        _written(letter).send()
    except (SMTPException, OSError, ValueError) as failure:
        log.warning("a letter was not taken: %s", type(failure).__name__)
        for attempts in sorted(set(mailings.values_list("attempts", flat=True))):
            wait = mail_again_after(attempts)
            mailings.filter(attempts=attempts).update(
                state=MailingState.WAITING if wait else MailingState.FAILED,
                next_attempt_at=at + wait if wait else None,
                settled_at=None if wait else at,
            )
        return False
    mailings.update(state=MailingState.SENT, next_attempt_at=None, settled_at=at)
    return True


def _written(letter: Letter) -> EmailMessage:
    number = len(letter.notices)
    lines = [
        f"{'One notice' if number == 1 else f'{number:,} notices'} for you at Chipledger"
        f"{'' if number == 1 else ', the gravest first'}. The pages say the rest to whoever signs in.",
        "",
    ]
    for notice in letter.notices[:MOST_LISTED]:
        lines += [notice.get_kind_display(), _link("notice", notice.pk), ""]
    if number > MOST_LISTED:
        lines += [f"{number - MOST_LISTED:,} more are on the list of notices", _link("notices"), ""]
    lines += ["What comes to you by mail is your choice:", _link("notice-preferences"), ""]
    return EmailMessage(
        subject=f"Chipledger: {'a notice' if number == 1 else f'{number:,} notices'}",
        body="\n".join(lines),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[letter.person.email],
        headers={"Auto-Submitted": "auto-generated"},
    )


def _link(name: str, *arguments: object) -> str:
    return f"{settings.PUBLIC_URL}{reverse(name, args=arguments)}"
