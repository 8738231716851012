"""Saving, renaming and deleting views of lists."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction

from chipledger.refusals import Refused
from portal.models import SavedView
from registry.access import Reader, check_role, person_of
from registry.models import Role

MOST: Final = 100
"""So many views of one list a person may save."""


@transaction.atomic
def save_view(
    listing: str,
    name: str,
    query: str,
    *,
    by: Reader,
    at: datetime,
    shared: bool = False,
    default: bool = False,
) -> SavedView:
    """Keep a view under a name; the same name again replaces it. Sharing takes a signatory."""
    person = person_of(by)
    name = _checked(name)
    if len(query) > 2000:
        raise Refused(
            "view_too_long", "This filter is too long to be saved. Narrow it by fewer answers.", field="query"
        )
    if shared:
        check_role(by, Role.SIGNATORY)
    mine = SavedView.objects.filter(person=person, organisation=by.organisation, listing=listing)
    if mine.exclude(name=name).count() >= MOST:
        raise Refused("too_many_views", f"You have {MOST} views of this list; delete one first.", status=409)
    if default:
        mine.update(is_default=False)
    view, _ = SavedView.objects.update_or_create(
        person=person,
        organisation=by.organisation,
        listing=listing,
        name=name,
        defaults={"query": query, "is_shared": shared, "is_default": default, "saved_at": at},
    )
    return view


def rename_view(view: SavedView, name: str, *, by: Reader) -> None:
    """Give one's own view another name."""
    _check_is_own(view, by)
    name = _checked(name)
    try:
        with transaction.atomic():
            SavedView.objects.filter(pk=view.pk).update(name=name)
    except IntegrityError:
        raise Refused(
            "name_taken",
            "You have a view of this list under that name; choose another.",
            field="name",
            value=name,
            status=409,
        ) from None


def delete_view(view: SavedView, *, by: Reader) -> None:
    """Forget a view: one's own, or, as an administrator, one that somebody shared."""
    if by.person is None or view.person_id != by.person.pk:
        check_role(by, Role.ADMINISTRATOR)
    SavedView.objects.filter(pk=view.pk).delete()


def _checked(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= 80:
        raise Refused(
            "bad_name", "Give the view a name of 1 to 80 characters.", field="name", value=name[:90]
        )
    return name


def _check_is_own(view: SavedView, by: Reader) -> None:
    if by.person is None or view.person_id != by.person.pk:
        raise Refused(
            "not_your_view", "Only the person who saved a view changes it; save one of your own.", status=403
        )
