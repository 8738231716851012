"""What this room keeps about people is found, exported, and gone with them."""

from __future__ import annotations

import pytest

from ledger import door
from notices.actions.reading import choose, mark_all_read
from notices.models import Kind, Mailing, Notice, Preference, ReadMark
from portal.actions.privacy import erase_person
from portal.queries.privacy import records_of
from registry.access import Reader
from tests.integration.notices.scenes import announce
from tests.world import World

pytestmark = pytest.mark.django_db


def test_what_a_person_reads_and_wants_is_among_their_records_and_is_erased_with_them(
    watched: World, administrator: Reader
) -> None:
    person = administrator.person
    assert person is not None
    choose(silent=[Kind.JOB_ENDED], by_mail=[Kind.TRANSFER_DISPATCHED], by=administrator)
    announce(watched)
    notice = Notice.objects.get(organisation=watched.operator.organisation, kind=Kind.TRANSFER_DISPATCHED)
    ReadMark.objects.create(person=person, notice=notice)
    found = records_of(person)
    assert [row["silent"] for row in found["notice_preferences"]] == [[Kind.JOB_ENDED]]
    assert [row["notice__kind"] for row in found["notices_read"]] == [Kind.TRANSFER_DISPATCHED]
    assert [row["notice__kind"] for row in found["letters"]] == [Kind.TRANSFER_DISPATCHED]
    elsewhere = records_of(person, within=watched.maker.organisation)
    assert not any(elsewhere[name] for name in ("notice_preferences", "notices_read", "letters"))

    mark_all_read(by=administrator)
    person.memberships.all().delete()
    erase_person(person, by=person, at=door.now())
    for model in (Preference, ReadMark, Mailing):
        assert not model.objects.exists(), model
    assert Notice.objects.filter(pk=notice.pk).exists(), "what the organisation was told stays"
