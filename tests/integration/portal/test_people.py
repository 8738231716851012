"""Administering people: roles, letters, leaving, and a log that nobody can rewrite."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from chipledger import base64s, clock
from chipledger.keys import Algorithm, PrivateKey
from chipledger.statements.common import KeyGrant
from ledger.models import Key
from portal.models import Draft
from registry.access import Reader, reader_for
from registry.actions import joining
from registry.actions.tokens import issue_token
from registry.models import AdministrationEvent, ApiToken, Invitation, Membership, Person, Role
from tests.people import browse_as, person_of, prove
from tests.world import Party, World

pytestmark = pytest.mark.django_db


def key_for(world: World, party: Party, person: Person) -> Key:
    """A signing key that the organisation's administrator gives to this person."""
    key = PrivateKey.generate(Algorithm.P256)
    grant = KeyGrant(
        spki=base64s.encode(key.public.spki),
        purpose="statement",
        role="signatory",
        person=person.pseudonym,
    )
    world.add_key(party, grant, also=[key])
    return Key.objects.get(key_id=key.public.key_id)


def membership_of(person: Person) -> Membership:
    return Membership.objects.get(person=person, until__isnull=True)


def acting(world: World, person: Person) -> Reader:
    return reader_for(world.operator.organisation, role=Role.ADMINISTRATOR, person=person)


def test_a_page_shows_everything_of_a_colleague_to_administrators_alone(
    world: World, boss: Person, ann: Person
) -> None:
    key = key_for(world, world.operator, ann)
    issue_token(
        world.operator.organisation, by=ann, label="nightly export", scopes=["read"], at=clock.now(),
        lifetime=timedelta(days=9),
    )  # fmt: skip
    url = f"/people/{membership_of(ann).pk}/"
    page = browse_as(boss).get(url).content.decode()
    assert key.key_id[:12] in page
    assert "nightly export" in page
    assert browse_as(ann).get(url).status_code == 403
    assert browse_as(person_of(world.maker)).get(url).status_code == 404


def test_who_loses_the_signatory_role_keeps_keys_that_still_count_and_the_page_says_so(
    world: World, boss: Person, ann: Person
) -> None:
    key = key_for(world, world.operator, ann)
    client = prove(browse_as(boss))
    url = f"/people/{membership_of(ann).pk}/"
    assert "Their keys still count" not in client.get(url).content.decode()
    assert client.post(url, {"role": "viewer"}).status_code == 302
    assert membership_of(ann).role == Role.VIEWER
    page = client.get(url).content.decode()
    assert "Their keys still count" in page
    assert f"/keys/{key.key_id}/revoke/" in page
    event = AdministrationEvent.objects.get()
    assert (event.deed, event.person, event.by, event.detail) == (
        "role_changed", ann.pseudonym, boss.pseudonym, "signatory to viewer",
    )  # fmt: skip


def test_the_last_administrator_keeps_the_role_and_a_bad_role_is_refused_at_its_field(
    boss: Person, ann: Person
) -> None:
    client = prove(browse_as(boss))
    answer = client.post(f"/people/{membership_of(boss).pk}/", {"role": "viewer"})
    assert answer.status_code == 422
    assert "last administrator" in answer.content.decode()
    assert membership_of(boss).role == Role.ADMINISTRATOR
    assert client.post(f"/people/{membership_of(ann).pk}/", {"role": "king"}).status_code == 422
    assert browse_as(ann).post(f"/people/{membership_of(boss).pk}/", {"role": "viewer"}).status_code == 403


def test_nothing_is_done_about_people_before_signing_in_anew(boss: Person, ann: Person) -> None:
    client = browse_as(boss)
    number = membership_of(ann).pk
    for url, said in (
        ("/people/", {"email": "x@example.org", "role": "viewer"}),
        (f"/people/{number}/", {"role": "viewer"}),
        (f"/people/{number}/end/", {"key": ""}),
    ):
        assert "/account/reauthenticate/" in client.post(url, said)["Location"]
    assert not AdministrationEvent.objects.exists()
    assert membership_of(ann).role == Role.SIGNATORY


def test_leaving_ends_membership_tokens_and_sessions_and_lays_out_the_end_of_the_keys(
    world: World, boss: Person, ann: Person
) -> None:
    key = key_for(world, world.operator, ann)
    issue_token(
        world.operator.organisation, by=ann, label="mine", scopes=["read"], at=clock.now(),
        lifetime=timedelta(days=9),
    )  # fmt: skip
    theirs = browse_as(ann)
    assert theirs.get("/").status_code == 200
    vouching = Key.objects.get(signer=world.operator.signer, role="administrator")
    answer = prove(browse_as(boss)).post(f"/people/{membership_of(ann).pk}/end/", {"key": vouching.key_id})
    assert answer["Location"] == "/papers/"
    assert theirs.get("/")["Location"].startswith("/account/login/")
    assert ApiToken.objects.get().revoked_at is not None
    assert not Membership.objects.filter(person=ann, until__isnull=True).exists()
    draft = Draft.objects.get()
    assert (draft.kind, draft.fields) == ("key.revoked", {"key": key.key_id, "reason": "person_left"})
    assert draft.keys == [vouching.key_id]


def test_a_leaver_whose_keys_nobody_can_end_here_leaves_and_the_page_says_so(
    world: World, boss: Person, ann: Person
) -> None:
    key_for(world, world.operator, ann)
    answer = prove(browse_as(boss)).post(f"/people/{membership_of(ann).pk}/end/", {"key": ""}, follow=True)
    assert "A key of theirs still counts" in answer.content.decode()
    assert not Membership.objects.filter(person=ann, until__isnull=True).exists()


def test_a_letter_is_sent_again_or_withdrawn_once(world: World, boss: Person, ann: Person) -> None:
    client = prove(browse_as(boss))
    joining.invite_colleague("new@example.org", Role.VIEWER, by=acting(world, boss), at=clock.now())
    first = Invitation.objects.get()
    url = f"/people/invitations/{first.pk}/"
    assert browse_as(ann).post(url, {"do": "send"}).status_code == 403
    assert prove(browse_as(person_of(world.maker))).post(url, {"do": "send"}).status_code == 404
    assert client.post(url, {"do": "burn"}).status_code == 400
    assert client.post(url, {"do": "send"}).status_code == 302
    assert client.post(url, {"do": "withdraw"}).status_code == 409
    second = Invitation.objects.exclude(pk=first.pk).get()
    assert second.token_sha256 != first.token_sha256
    assert "new@example.org" in client.get("/people/").content.decode()
    assert client.post(f"/people/invitations/{second.pk}/", {"do": "withdraw"}).status_code == 302
    assert (
        "new@example.org"
        not in client.get("/people/").content.decode().partition("<h2>Invite")[0].partition("caption")[2]
    )
    deeds = list(AdministrationEvent.objects.order_by("id").values_list("deed", flat=True))
    assert deeds == ["invited", "invitation_sent_again", "invitation_withdrawn"]


def test_the_log_is_for_administrators_and_nobody_rewrites_it(
    world: World, boss: Person, ann: Person
) -> None:
    joining.invite_colleague("new@example.org", Role.VIEWER, by=acting(world, boss), at=clock.now())
    page = browse_as(boss).get("/people/log/").content.decode().partition("<tbody")[2]
    assert "Invited" in page
    assert "as viewer" in page
    assert browse_as(ann).get("/people/log/").status_code == 403
    assert "as viewer" not in browse_as(person_of(world.maker)).get("/people/log/").content.decode()
    with pytest.raises(DatabaseError), transaction.atomic():
        AdministrationEvent.objects.update(detail="nothing")
    with pytest.raises(DatabaseError), transaction.atomic():
        AdministrationEvent.objects.all().delete()


def test_the_pages_of_people_ask_the_database_no_more_for_more_people(world: World, boss: Person) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = browse_as(boss)
    counts = {}
    for url in ("/people/", "/people/log/"):
        client.get(url)
        with CaptureQueriesContext(
            connection,
        ) as few:
            client.get(url)
        counts[url] = len(few)
    for number in range(8):
        person_of(world.operator, Role.VIEWER, email=f"v{number}@operator-a.example")
        joining.invite_colleague(
            f"n{number}@example.org", Role.VIEWER, by=acting(world, boss), at=clock.now()
        )
    for url, before in counts.items():
        with CaptureQueriesContext(connection) as many:
            client.get(url)
        assert len(many) <= before + 1, url
