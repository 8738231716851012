"""What a person has read, and which kinds they do not want to be told of."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Max

from notices.models import Kind, Notice, Preference, ReadMark
from notices.rules import unknown_kind
from registry.access import Reader, person_of, visible


def mark_read(notice: Notice, *, by: Reader) -> None:
    """The person has read this one; reading it twice changes nothing."""
    ReadMark.objects.bulk_create([ReadMark(person=person_of(by), notice=notice)], ignore_conflicts=True)


def mark_all_read(*, by: Reader) -> None:
    """The person has read all that there is now; what comes later is new."""
    newest = visible(by, Notice).aggregate(newest=Max("pk"))["newest"] or 0
    Preference.objects.update_or_create(
        person=person_of(by), organisation=by.organisation, defaults={"read_up_to": newest}
    )


def choose(*, silent: Sequence[str], by_mail: Sequence[str], by: Reader) -> None:
    """Which kinds the person does not want the bell to count, and which come to them by mail as well."""
    person = person_of(by)
    for field, kinds in (("silent", silent), ("by_mail", by_mail)):
        if unknown := set(kinds) - set(Kind.values):
            raise unknown_kind(min(unknown), field=field)
    chosen = {"silent": sorted(set(silent)), "by_mail": sorted(set(by_mail))}
    Preference.objects.update_or_create(person=person, organisation=by.organisation, defaults=chosen)
