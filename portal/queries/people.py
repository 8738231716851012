"""What is a person's here, for the pages of people and of privacy."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from ledger.models import Key
from portal.models import Draft, SavedView
from registry.access import Reader, visible
from registry.models import ApiToken, Membership, Person


@dataclass(frozen=True)
class Belongings:
    """Everything of one person in one organisation that outlives a click."""

    keys: list[Key]
    tokens: list[ApiToken]
    drafts: list[Draft]
    views: list[SavedView]


def keys_of(reader: Reader, pseudonyms: Collection[str]) -> dict[str, list[Key]]:
    """The living keys of these people in the reader's organisation."""
    found: dict[str, list[Key]] = {}
    keys = Key.objects.filter(
        signer=reader.organisation.pk, person__in=pseudonyms, revoked_at__isnull=True
    ).order_by("pk")
    for key in keys:
        found.setdefault(key.person, []).append(key)
    return found


def belongings(reader: Reader, person: Person) -> Belongings:
    """What a colleague leaves behind."""
    return Belongings(
        keys_of(reader, [person.pseudonym]).get(person.pseudonym, []),
        list(visible(reader, ApiToken).filter(person=person, revoked_at__isnull=True).order_by("id")),
        list(
            Draft.objects.filter(
                organisation=reader.organisation, prepared_by=person, filed_at__isnull=True
            ).order_by("created_at")
        ),
        list(SavedView.objects.filter(organisation=reader.organisation, person=person).order_by("id")),
    )


def names_of(reader: Reader, pseudonyms: Collection[str]) -> dict[str, str]:
    """The names of those who are or were colleagues; nobody else's."""
    return _names(visible(reader, Membership).filter(person__pseudonym__in=pseudonyms))


def names_to_choose_from(reader: Reader, chosen: str) -> dict[str, str]:
    """The names of today's colleagues, and of a former one who is chosen."""
    return _names(visible(reader, Membership).filter(Q(until__isnull=True) | Q(person__pseudonym=chosen)))


def _names(memberships: QuerySet[Membership]) -> dict[str, str]:
    return {each.person.pseudonym: str(each.person) for each in memberships.select_related("person")}


def named(pseudonym: str, names: dict[str, str]) -> str:
    """A person as colleagues know them, or by the beginning of a pseudonym that leads nowhere any more."""
    return names.get(pseudonym, f"person {pseudonym[:8]}" if pseudonym else "")
