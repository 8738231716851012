"""What an organisation hears of: once, soon, and nothing of a stranger's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from audits.actions.sweeps import sweep
from audits.models import Finding
from ledger import door
from ledger.integrator import integrate
from notices.actions.reading import choose
from notices.actions.watch import look
from notices.models import Kind, Notice, Preference
from registry.access import reader_for
from registry.actions.people import end_membership
from registry.actions.tokens import issue_token
from registry.models import Reading, Role
from tests.integration.api.caller import Caller, refused
from tests.integration.notices.scenes import send, told
from tests.people import browse_as, dispatch, person_of
from tests.world import World

pytestmark = pytest.mark.django_db


def test_a_consignee_hears_once_that_chips_are_on_their_way_and_a_stranger_never(watched: World) -> None:
    send(watched, estimated_arrival=door.now() + timedelta(days=5))
    look(at=door.now())
    assert look(at=door.now()) == 0
    assert told(watched.operator) == [Kind.TRANSFER_DISPATCHED]
    assert Kind.TRANSFER_DISPATCHED not in told(watched.maker)
    assert told(watched.second_operator) == []


def test_what_waits_for_its_place_in_the_log_is_told_when_it_has_one(watched: World) -> None:
    dispatch(watched, watched.commission(["N1"]), estimated_arrival=door.now() + timedelta(days=5))
    look(at=door.now())
    assert told(watched.operator) == []
    integrate()
    look(at=door.now())
    assert told(watched.operator) == [Kind.TRANSFER_DISPATCHED]


def test_an_overdue_transfer_is_told_to_both_and_its_finding_to_whom_it_concerns(watched: World) -> None:
    send(watched)
    sweep(at=door.now())
    look(at=door.now())
    for party in (watched.operator, watched.maker, watched.regulator):
        assert Kind.FINDING_OPENED in told(party), party.handle
    assert told(watched.second_operator) == []


def test_a_finding_that_grows_graver_is_told_again(watched: World) -> None:
    send(watched)
    sweep(at=door.now())
    look(at=door.now())
    Finding.objects.update(severity=5)
    look(at=door.now())
    assert told(watched.operator).count(Kind.FINDING_WORSENED) == 1
    look(at=door.now())
    assert told(watched.operator).count(Kind.FINDING_WORSENED) == 1


def test_tokens_and_people_are_told_to_their_own_organisation(watched: World) -> None:
    leaving = person_of(watched.operator, Role.VIEWER)
    by = reader_for(
        watched.operator.organisation, role=Role.ADMINISTRATOR, person=person_of(watched.operator)
    )
    issue_token(
        watched.operator.organisation,
        by=None,
        label="x",
        scopes=["read"],
        at=door.now(),
        lifetime=timedelta(days=1),
    )
    end_membership(leaving.memberships.get(), by=by, at=door.now())
    look(at=door.now())
    assert sorted(told(watched.operator)) == [Kind.PEOPLE_CHANGED] * 3 + [Kind.TOKENS_CHANGED]


def test_the_page_leads_to_the_object_and_marks_it_read_for_one_person(watched: World) -> None:
    digest = send(watched, estimated_arrival=door.now() + timedelta(days=5))
    look(at=door.now())
    one, other = (
        browse_as(person_of(watched.operator, email=f"{name}@a.example")) for name in ("one", "other")
    )
    notice = Notice.objects.get(kind=Kind.TRANSFER_DISPATCHED)
    page = one.get(reverse("notices")).content.decode()
    assert "2 chips are on their way: Maker-A to Operator-A." in page
    assert ">1<" in one.get(reverse("notices-bell")).content.decode()
    answer = one.post(reverse("notice", args=[notice.pk]))
    assert answer["Location"] == reverse("transfer", args=[digest])
    assert one.get(reverse("notices-bell")).content.decode().strip() == ""
    assert ">1<" in other.get(reverse("notices-bell")).content.decode()
    other.post(reverse("read-all-notices"))
    assert other.get(reverse("notices-bell")).content.decode().strip() == ""
    assert list(other.get(reverse("notices"), {"unread": "1"}).context["rows"]) == []


def test_a_strangers_notice_is_not_there(watched: World) -> None:
    send(watched)
    look(at=door.now())
    notice = Notice.objects.filter(organisation=watched.operator.organisation).first()
    assert notice is not None
    stranger = browse_as(person_of(watched.second_operator))
    assert stranger.post(reverse("notice", args=[notice.pk])).status_code == 404
    assert "Maker-A" not in stranger.get(reverse("notices")).content.decode().partition("<main")[2]


def test_a_notice_of_what_went_out_of_sight_is_no_longer_shown(watched: World) -> None:
    send(watched, estimated_arrival=door.now() + timedelta(days=5))
    look(at=door.now())
    Notice.objects.update(organisation=watched.second_operator.organisation)
    page = browse_as(person_of(watched.second_operator)).get(reverse("notices"))
    assert page.context["rows"] == []


def test_a_colleague_does_not_read_of_tokens_that_only_administrators_see(watched: World) -> None:
    issue_token(
        watched.operator.organisation,
        by=None,
        label="x",
        scopes=["read"],
        at=door.now(),
        lifetime=timedelta(days=1),
    )
    look(at=door.now())
    assert not browse_as(person_of(watched.operator, Role.VIEWER)).get(reverse("notices")).context["rows"]
    assert browse_as(person_of(watched.operator)).get(reverse("notices")).context["rows"]


def test_the_bell_does_not_count_what_a_person_silenced_and_stops_at_99(watched: World) -> None:
    organisation, now = watched.operator.organisation, door.now()
    person = person_of(watched.operator)
    Notice.objects.bulk_create(
        Notice(
            organisation=organisation, kind=Kind.KEYS_CHANGED, fact=f"test:{n}", happened_at=now, made_at=now
        )
        for n in range(120)
    )
    browser = browse_as(person)
    assert "99+" in browser.get(reverse("notices-bell")).content.decode()
    counted = [kind for kind in Kind.values if kind != Kind.KEYS_CHANGED]
    browser.post(reverse("notice-preferences"), {"counted": counted})
    assert Preference.objects.get(person=person).silent == [Kind.KEYS_CHANGED]
    assert browser.get(reverse("notices-bell")).content.decode().strip() == ""
    assert len(browser.get(reverse("notices")).context["rows"]) == 50


def test_a_kind_that_does_not_exist_is_refused(watched: World) -> None:
    browser = browse_as(person_of(watched.operator))
    assert browser.get(reverse("notices"), {"kind": "no.such"}).status_code == 400
    assert browser.post(reverse("notice-preferences"), {"counted": "no.such"}).status_code == 422
    reader = reader_for(watched.operator.organisation, role=Role.VIEWER)
    with pytest.raises(Exception, match="no_person"):
        choose(silent=[], by_mail=[], by=reader)
    assert refused(Caller(watched.operator).get("/notices?kind=no.such")) == (400, "unknown_kind")


def test_the_api_tells_the_same(watched: World) -> None:
    send(watched, estimated_arrival=door.now() + timedelta(days=5))
    look(at=door.now())
    items = Caller(watched.operator).get("/notices?kind=transfer.dispatched").json()["items"]
    assert [item["sentence"] for item in items] == ["2 chips are on their way: Maker-A to Operator-A."]
    assert Caller(watched.second_operator).get("/notices?kind=transfer.dispatched").json()["items"] == []


def test_the_bell_of_an_authority_is_no_reading_of_others_and_its_list_is(watched: World) -> None:
    send(watched)
    sweep(at=door.now())
    look(at=door.now())
    browser = browse_as(person_of(watched.regulator))
    assert browser.get(reverse("notices-bell")).content.decode().strip() != ""
    assert not Reading.objects.exists()
    browser.get(reverse("notices"))
    assert Reading.objects.exists()


def test_the_list_and_the_bell_cost_the_same_for_one_notice_as_for_fifty(
    watched: World, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    organisation, now = watched.operator.organisation, door.now()
    browser = browse_as(person_of(watched.operator))
    for batch in (1, 60):
        Notice.objects.bulk_create(
            Notice(
                organisation=organisation,
                kind=Kind.KEYS_CHANGED,
                fact=f"{batch}:{n}",
                happened_at=now,
                made_at=now,
            )
            for n in range(batch)
        )
        with django_assert_num_queries(3 + 2):  # who asks; what they want of notices, and the page
            browser.get(reverse("notices"))
        with django_assert_num_queries(3 + 2):
            browser.get(reverse("notices-bell"))
