"""Coming in: apply, vet, admit by signed statement, invite by mail, accept once."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from chipledger import base64s, clock
from chipledger.refusals import Refused
from chipledger.statements.registry import OrganisationAdmitted
from registry.access import Reader, reader_for
from registry.actions import joining
from registry.models import Application, ApplicationState, Invitation, Membership, Organisation, Person, Role
from tests.integration.registry.refusals import refused
from tests.people import prove
from tests.world import Party, World

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"


def applied(party: Party, **fields: Any) -> Application:
    asked: dict[str, Any] = {
        "handle": party.handle, "name": "Newcomer Inc", "kind": "operator", "countries": ["US"],
        "email": "first@newcomer.example", "spki": base64s.encode(party.key.public.spki), **fields,
    }  # fmt: skip
    return joining.apply_to_join(**asked, at=clock.now())


def regulator_of(world: World, role: Role = Role.SIGNATORY) -> Reader:
    return reader_for(world.regulator.organisation, role=role)


def vet(world: World, application: Application) -> None:
    joining.decide_application(application, ApplicationState.VETTED, by=regulator_of(world), at=clock.now())


def admission(party: Party, **fields: Any) -> dict[str, Any]:
    return {
        "handle": party.handle, "name": "Newcomer Inc", "organisation_kind": "operator", "countries": ["US"],
        "keys": [party.grant()], **fields,
    }  # fmt: skip


def invited(
    organisation: Organisation, email: str, capture: Callable[..., Any], role: Role = Role.SIGNATORY
) -> str:
    """Invite, read the letter as its addressee does, and return the secret of the link."""
    with capture(execute=True):
        joining.invite(organisation, email=email, role=role, at=clock.now())
    return secret_in(mail.outbox[-1].body)


def secret_in(letter: object) -> str:
    found = re.search(r"/invitations/([^/\s]+)/", str(letter))
    assert found is not None
    return found[1]


def accept(secret: str, *, person: Person | None = None, password: str = PASSWORD) -> Membership:
    return joining.accept_invitation(secret, person=person, name="Ada", password=password, at=clock.now())


def test_an_applicant_is_vetted_admitted_and_its_administrator_joins(
    founded: World, django_capture_on_commit_callbacks: Callable[..., Any], client: Client
) -> None:
    newcomer = Party("newcomer")
    application = applied(newcomer)
    vet(founded, application)
    with django_capture_on_commit_callbacks(execute=True):
        founded.submit(OrganisationAdmitted, by=founded.regulator, **admission(newcomer))
    application.refresh_from_db()
    assert application.state == ApplicationState.ADMITTED
    (letter,) = mail.outbox
    assert letter.to == ["first@newcomer.example"]
    path = f"/invitations/{secret_in(letter.body)}/"
    assert client.get(path).status_code == 200
    assert client.post(path, {"name": "Ada", "password": PASSWORD}).status_code == 302
    membership = Membership.objects.get(organisation=newcomer.organisation)
    assert (membership.role, membership.person.email) == ("administrator", "first@newcomer.example")
    assert client.login(email="first@newcomer.example", password=PASSWORD)


def test_an_application_is_not_admitted_before_it_is_vetted(founded: World) -> None:
    newcomer = Party("newcomer")
    applied(newcomer)
    refused(
        founded, OrganisationAdmitted, "application_not_vetted", by=founded.regulator, **admission(newcomer)
    )


def test_an_admission_with_another_key_or_kind_than_applied_for_is_refused(founded: World) -> None:
    newcomer, impostor = Party("newcomer"), Party("newcomer")
    vet(founded, applied(newcomer))
    other_kind = admission(newcomer, organisation_kind="manufacturer")
    refused(
        founded, OrganisationAdmitted, "differs_from_application", by=founded.regulator, **admission(impostor)
    )
    refused(founded, OrganisationAdmitted, "differs_from_application", by=founded.regulator, **other_kind)


def test_a_declined_application_stands_in_nobodys_way(founded: World) -> None:
    newcomer = Party("newcomer")
    squatter = applied(Party("newcomer"))
    joining.decide_application(squatter, ApplicationState.DECLINED, by=regulator_of(founded), at=clock.now())
    founded.submit(OrganisationAdmitted, by=founded.regulator, **admission(newcomer))
    squatter.refresh_from_db()
    assert squatter.state == ApplicationState.DECLINED


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"handle": "No Slug"}, "bad_handle"),
        ({"name": " "}, "bad_name"),
        ({"kind": "pirate"}, "bad_kind"),
        ({"countries": []}, "bad_countries"),
        ({"countries": ["usa"]}, "bad_countries"),
        ({"email": "nobody"}, "bad_email"),
        ({"spki": "AAAA"}, "key_malformed"),
        ({"handle": "operator-a"}, "handle_taken"),
    ],
)
def test_bad_applications_are_refused(world: World, fields: dict[str, Any], expected: str) -> None:
    with pytest.raises(Refused) as caught:
        applied(Party("newcomer"), **fields)
    assert caught.value.code == expected
    assert not Application.objects.exists()


def test_a_registered_key_cannot_apply_again(world: World) -> None:
    with pytest.raises(Refused, match="key_known"):
        applied(Party("newcomer", key=world.operator.key))


def test_a_handle_has_one_open_application(founded: World) -> None:
    applied(Party("newcomer"))
    with pytest.raises(Refused, match="application_open"):
        applied(Party("newcomer"))


def test_only_a_regulators_signatory_decides_and_only_once(world: World) -> None:
    application = applied(Party("newcomer"))
    operator = reader_for(world.operator.organisation, role=Role.ADMINISTRATOR)
    for by, code in ((operator, "not_a_regulator"), (regulator_of(world, Role.PREPARER), "role_too_low")):
        with pytest.raises(Refused, match=code):
            joining.decide_application(application, ApplicationState.VETTED, by=by, at=clock.now())
    vet(world, application)
    with pytest.raises(Refused, match="application_decided"):
        vet(world, application)


def test_an_invitation_works_once(
    world: World, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    secret = invited(world.operator.organisation, "ada@example.org", django_capture_on_commit_callbacks)
    person = accept(secret).person
    with pytest.raises(Refused, match="invitation_ended"):
        accept(secret, person=person)
    assert Membership.objects.count() == 1


def test_an_invitation_ends_after_seven_days(
    world: World, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    secret = invited(world.operator.organisation, "ada@example.org", django_capture_on_commit_callbacks)
    later = clock.now() + timedelta(days=7)
    with pytest.raises(Refused, match="invitation_ended"):
        joining.accept_invitation(secret, person=None, name="", password=PASSWORD, at=later)


def test_a_second_letter_ends_the_first(
    world: World, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    first = invited(world.operator.organisation, "ada@example.org", django_capture_on_commit_callbacks)
    second = invited(world.operator.organisation, "Ada@example.org", django_capture_on_commit_callbacks)
    with pytest.raises(Refused, match="invitation_ended"):
        accept(first)
    assert accept(second).role == Role.SIGNATORY


def test_only_the_hash_of_a_secret_is_kept(
    world: World, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    secret = invited(world.operator.organisation, "ada@example.org", django_capture_on_commit_callbacks)
    assert secret not in str(Invitation.objects.values().get())


def test_a_letter_never_takes_over_an_account_that_exists(
    world: World, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    ada = Person.objects.create_user("ada@example.org", PASSWORD)
    thief = Person.objects.create_user("thief@example.org", PASSWORD)
    secret = invited(world.operator.organisation, "ada@example.org", django_capture_on_commit_callbacks)
    for person in (None, thief):
        with pytest.raises(Refused, match="sign_in_first"):
            accept(secret, person=person, password="a quite different password")
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)
    assert accept(secret, person=ada).person == ada


def test_a_weak_password_leaves_the_invitation_open(
    world: World, django_capture_on_commit_callbacks: Callable[..., Any], client: Client
) -> None:
    secret = invited(world.operator.organisation, "ada@example.org", django_capture_on_commit_callbacks)
    answer = client.post(f"/invitations/{secret}/", {"name": "Ada", "password": "short"})
    assert answer.status_code == 422
    assert "too short" in answer.content.decode()
    assert not Person.objects.exists()
    assert accept(secret).person.email == "ada@example.org"


def test_a_link_that_nobody_sent_is_not_found(founded: World, client: Client) -> None:
    assert client.get("/invitations/made-up/").status_code == 404


def signed_in(client: Client, organisation: Organisation, role: Role) -> Client:
    person = Person.objects.create_user(f"{role}@example.org", PASSWORD)
    Membership.objects.create(person=person, organisation=organisation, role=role, since=clock.now())
    client.force_login(person)
    return client


def test_the_public_page_takes_an_application(founded: World, client: Client) -> None:
    fields = {
        "name": "Newcomer", "handle": "newcomer", "kind": "operator", "countries": "us, DE", "email": "a@example.org",
        "spki": base64s.encode(Party("newcomer").key.public.spki),
    }  # fmt: skip
    assert client.get("/join/").status_code == 200
    assert client.post("/join/", fields).status_code == 201
    assert Application.objects.get().countries == ["DE", "US"]
    again = client.post("/join/", fields)
    assert again.status_code == 422
    assert "open already" in again.content.decode()


def test_a_regulator_vets_on_the_page_and_others_do_not_see_it(world: World, client: Client) -> None:
    application = applied(Party("newcomer"))
    signed_in(client, world.regulator.organisation, Role.SIGNATORY)
    assert "newcomer" in client.get("/applications/").content.decode()
    assert client.post(f"/applications/{application.pk}/", {"decision": "vet"}).status_code == 302
    application.refresh_from_db()
    assert application.state == ApplicationState.VETTED
    stranger = signed_in(Client(), world.operator.organisation, Role.ADMINISTRATOR)
    assert stranger.get("/applications/").status_code == 404
    assert stranger.post(f"/applications/{application.pk}/", {"decision": "decline"}).status_code == 404


def test_a_regulator_of_other_countries_does_not_see_the_application(world: World) -> None:
    world.admit(Party("regulator-jp"), "regulator", countries=["JP"])
    abroad = applied(Party("newcomer"), countries=["JP"])
    client = signed_in(Client(), world.regulator.organisation, Role.SIGNATORY)
    assert client.post(f"/applications/{abroad.pk}/", {"decision": "vet"}).status_code == 404


def test_an_administrator_invites_a_colleague_and_a_preparer_cannot(
    world: World, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    letter = {"email": "new@example.org", "role": "viewer"}
    administrator = prove(signed_in(Client(), world.operator.organisation, Role.ADMINISTRATOR))
    with django_capture_on_commit_callbacks(execute=True):
        assert administrator.post("/people/", letter).status_code == 302
    assert mail.outbox[-1].to == ["new@example.org"]
    assert "new@example.org" in administrator.get("/people/").content.decode()
    preparer = signed_in(Client(), world.operator.organisation, Role.PREPARER)
    assert preparer.post("/people/", letter).status_code == 403
    assert "needs the role administrator" in preparer.get("/people/").content.decode()


def test_an_administrator_lets_a_colleague_go_but_not_the_last_administrator(world: World) -> None:
    administrator = prove(signed_in(Client(), world.operator.organisation, Role.ADMINISTRATOR))
    signatory = signed_in(Client(), world.operator.organisation, Role.SIGNATORY)
    stranger = signed_in(Client(), world.maker.organisation, Role.VIEWER)
    numbers = dict(Membership.objects.values_list("role", "pk"))
    assert signatory.post(f"/people/{numbers['administrator']}/end/").status_code == 403
    assert stranger.post(f"/people/{numbers['signatory']}/end/").status_code == 404
    assert administrator.post(f"/people/{numbers['administrator']}/end/").status_code == 409
    assert administrator.post(f"/people/{numbers['signatory']}/end/").status_code == 302
    assert signatory.get("/people/").status_code == 302  # signed out
    assert administrator.get("/people/").status_code == 200
