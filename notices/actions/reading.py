"""What a person has read, and which kinds they do not want to be told of."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Max

from chipledger.refusals import Refused
from notices.models import Kind, Notice, Preference, ReadMark
from registry.access import Reader, visible
from registry.models import Person


def mark_read(notice: Notice, *, by: Reader) -> None:
    """The person has read this one; reading it twice changes nothing."""
    ReadMark.objects.bulk_create([ReadMark(person=_person(by), notice=notice)], ignore_conflicts=True)


def mark_all_read(*, by: Reader) -> None:
    """The person has read all that there is now; what comes later is new."""
    newest = visible(by, Notice).aggregate(newest=Max("pk"))["newest"] or 0
    Preference.objects.update_or_create(
        person=_person(by), organisation=by.organisation, defaults={"read_up_to": newest}
    )


def choose(*, silent: Sequence[str], by_mail: Sequence[str], by: Reader) -> None:
    """Which kinds the person does not want the bell to count, and which come to them by mail as well."""
    person = _person(by)
    for field, kinds in (("silent", silent), ("by_mail", by_mail)):
        if unknown := set(kinds) - set(Kind.values):
            raise Refused("unknown_kind", "There is no such kind of notice.", field=field, value=min(unknown))
    chosen = {"silent": sorted(set(silent)), "by_mail": sorted(set(by_mail))}
    Preference.objects.update_or_create(person=person, organisation=by.organisation, defaults=chosen)


def _person(by: Reader) -> Person:
    if by.person is None:
        raise Refused("no_person", "Notices are read by people; a program has no marks.", status=403)
    return by.person
