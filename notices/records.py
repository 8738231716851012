"""What this room keeps about a person: what they have read, what they want of notices, what was mailed to them."""

from __future__ import annotations

from collections.abc import Sequence

from notices.models import Mailing, Preference, ReadMark
from portal.queries.privacy import Records, keeps_records
from registry.models import Person


@keeps_records
def records_of_notices(person: Person, houses: Sequence[int]) -> Records:
    """By organisation; all of it goes with the person."""
    return {
        "notice_preferences": list(
            Preference.objects.filter(person=person, organisation__in=houses)
            .order_by("id")
            .values("organisation__name", "silent", "by_mail")
        ),
        "notices_read": list(
            ReadMark.objects.filter(person=person, notice__organisation__in=houses)
            .order_by("id")
            .values("notice__organisation__name", "notice__kind", "notice__happened_at")
        ),
        "letters": list(
            Mailing.objects.filter(person=person, notice__organisation__in=houses)
            .order_by("id")
            .values("notice__organisation__name", "notice__kind", "state", "settled_at")
        ),
    }
