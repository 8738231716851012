"""Papers that wait for a signature."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from portal.models import Draft
from registry.access import Reader, get_visible, readable, visible

WAITING = 100


@readable(Draft, logged=False)
def drafts_of(reader: Reader) -> QuerySet[Draft]:
    """The organisation's own; a program has none to sign."""
    if reader.person is None:
        return Draft.objects.none()
    return Draft.objects.filter(organisation=reader.organisation)


def find_draft(reader: Reader, number: UUID) -> Draft:
    """A paper of the reader's organisation, or 404."""
    return get_visible(reader, Draft, pk=number)


def drafts_waiting(reader: Reader) -> QuerySet[Draft]:
    """The newest papers that nobody has filed, at most 100."""
    return (
        visible(reader, Draft)
        .filter(filed_at__isnull=True)
        .select_related("prepared_by")
        .order_by("-created_at")[:WAITING]
    )
