"""Personal records: found, exported, erased or kept with the ground said; statements prove the same afterwards."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import ProtectedError
from django.test import Client

from chipledger import clock
from chipledger.statements.ledger import KeyRevoked
from ledger.integrator import integrate
from ledger.models import Statement
from portal.models import LegalHold
from registry.access import reader_for
from registry.actions.people import end_membership
from registry.actions.tokens import issue_token
from registry.models import AdministrationEvent, ApiToken, Invitation, Membership, Person, Role
from tests.integration.portal.test_people import acting, key_for, membership_of
from tests.people import Scene, browse_as, person_of, prove
from tests.world import World

pytestmark = pytest.mark.django_db


def gone(world: World, boss: Person, person: Person, *, days: int = 0) -> None:
    end_membership(membership_of(person), by=acting(world, boss), at=clock.now())
    if days:
        Membership.objects.filter(person=person).update(until=clock.now() - timedelta(days=days))


def revoked(world: World, key_id: str) -> None:
    fields = {"key": key_id, "reason": "person_left"}
    world.send(world.envelope_of(KeyRevoked, by=world.operator, fields=fields))


def test_everybody_finds_and_exports_what_is_kept_about_them_without_secrets(
    world: World, ann: Person
) -> None:
    secret = issue_token(
        world.operator.organisation, by=ann, label="mine", scopes=["read"], at=clock.now(),
        lifetime=timedelta(days=9),
    )  # fmt: skip
    client = browse_as(ann)
    assert ann.pseudonym in client.get("/privacy/").content.decode()
    assert "/account/reauthenticate/" in client.get("/privacy/export/")["Location"]
    answer = prove(client).get("/privacy/export/")
    assert answer["Content-Disposition"].startswith("attachment")
    found = json.loads(answer.content)
    assert found["person"][0]["email"] == ann.email
    assert found["memberships"][0]["role"] == "signatory"
    assert found["tokens"][0]["label"] == "mine"
    assert found["sessions"]
    for kept_back in (secret, ApiToken.objects.get().sha256, ann.password):
        assert kept_back not in answer.content.decode()


def test_records_are_there_for_administrators_of_the_same_organisation_alone(
    world: World, boss: Person, ann: Person
) -> None:
    base = f"/privacy/{ann.pseudonym}/"
    stranger = prove(browse_as(person_of(world.maker)))
    colleague = prove(browse_as(ann))
    for url in (base, f"{base}export/"):
        assert browse_as(boss).get(url).status_code in (200, 302)
        assert colleague.get(url).status_code == 403
        assert stranger.get(url).status_code == 404
    for url in (f"{base}erase/", f"{base}hold/"):
        assert colleague.post(url, {"reason": "x"}).status_code == 403
        assert stranger.post(url, {"reason": "x"}).status_code == 404
    assert colleague.get("/privacy/find/").status_code == 403
    assert stranger.get("/privacy/find/", {"who": ann.email}).status_code == 422
    assert stranger.get("/privacy/find/", {"who": ann.pseudonym}).status_code == 422
    found = browse_as(boss).get("/privacy/find/", {"who": ann.email})
    assert found["Location"] == base
    exported = json.loads(prove(browse_as(boss)).get(f"{base}export/").content)
    assert exported["person"][0]["pseudonym"] == ann.pseudonym
    assert "sessions" not in exported  # how somebody signs in is no organisation's business


def test_a_regulator_finds_others_people_by_pseudonym_only_and_learns_no_name(
    world: World, ann: Person
) -> None:
    regulator = prove(browse_as(person_of(world.regulator)))
    assert regulator.get("/privacy/find/", {"who": ann.email}).status_code == 422
    base = regulator.get("/privacy/find/", {"who": ann.pseudonym})["Location"]
    page = regulator.get(base).content.decode()
    assert ann.email not in page
    assert ann.name not in page
    assert regulator.get(f"{base}export/").status_code == 403
    assert regulator.post(f"{base}erase/").status_code == 403
    assert Person.objects.filter(pk=ann.pk).exists()


def test_after_erasure_the_pseudonym_leads_nowhere_and_statements_prove_as_before(
    world: World, boss: Person, ann: Person
) -> None:
    key = key_for(world, world.operator, ann)
    added = key.added_by
    integrate()
    client = prove(browse_as(boss))
    bundle = f"/statements/{bytes(added.digest).hex()}/evidence/"
    before = json.loads(client.get(bundle).content)
    revoked(world, key.key_id)
    Invitation.objects.create(
        organisation=world.operator.organisation, email=ann.email, role=Role.VIEWER, token_sha256="0" * 64,
        expires_at=clock.now(),
    )  # fmt: skip
    gateway = issue_token(
        world.operator.organisation, by=ann, label="gateway", scopes=["attest"], at=clock.now(),
        lifetime=timedelta(days=9),
    )  # fmt: skip
    gone(world, boss, ann, days=400)
    assert client.post(f"/privacy/{ann.pseudonym}/erase/")["Location"] == "/privacy/find/"
    assert not Person.objects.filter(pseudonym=ann.pseudonym).exists()
    assert not Person.objects.filter(email=ann.email).exists()
    assert not Membership.objects.filter(person_id=ann.pk).exists()
    assert not Invitation.objects.filter(email=ann.email).exists()
    assert gateway
    assert ApiToken.objects.get(label="gateway").person is None
    assert client.get(f"/privacy/{ann.pseudonym}/").status_code == 404
    assert AdministrationEvent.objects.filter(deed="erased", person=ann.pseudonym).count() == 1
    after = json.loads(client.get(bundle).content)
    assert ann.pseudonym in bytes(Statement.objects.get(pk=added.pk).payload).decode()
    assert {name: after[name] for name in before if name not in PROOF} == {
        name: before[name] for name in before if name not in PROOF
    }


PROOF = ("checkpoint", "proof", "inclusion")


@pytest.mark.parametrize(
    ("days", "expected"), [(10, "kept for 365 days"), (400, "")], ids=["too early", "late enough"]
)
def test_who_had_a_key_is_kept_for_the_days_that_the_settings_say(
    world: World, boss: Person, ann: Person, days: int, expected: str
) -> None:
    revoked(world, key_for(world, world.operator, ann).key_id)
    gone(world, boss, ann, days=days)
    answer = prove(browse_as(boss)).post(f"/privacy/{ann.pseudonym}/erase/")
    assert answer.status_code == (409 if expected else 302)
    assert expected in answer.content.decode()
    assert Person.objects.filter(pk=ann.pk).exists() == bool(expected)


def test_members_and_holders_of_living_keys_are_not_erased(world: World, boss: Person, ann: Person) -> None:
    key_for(world, world.operator, ann)
    client = prove(browse_as(boss))
    page = client.get(f"/privacy/{ann.pseudonym}/").content.decode()
    assert "A key of theirs still counts" in page
    assert "This person is a member still" in page
    assert client.post(f"/privacy/{ann.pseudonym}/erase/").status_code == 409
    assert Person.objects.filter(pk=ann.pk).exists()


def test_who_signed_for_an_open_transfer_is_kept_until_it_is_closed(scene: Scene) -> None:
    world = scene.world
    chief, clerk = person_of(world.maker), person_of(world.maker, Role.SIGNATORY)
    from ledger.models import Key

    Key.objects.filter(signer=world.maker.signer).update(person=clerk.pseudonym)
    by = reader_for(world.maker.organisation, role=Role.ADMINISTRATOR, person=chief)
    end_membership(membership_of(clerk), by=by, at=clock.now())
    Membership.objects.filter(person=clerk).update(until=clock.now() - timedelta(days=400))
    page = prove(browse_as(chief)).get(f"/privacy/{clerk.pseudonym}/").content.decode()
    assert "They signed for a transfer that is open" in page
    assert "They signed what an open finding is about" in page


def test_a_hold_forbids_erasure_until_who_placed_it_lifts_it(world: World, boss: Person, ann: Person) -> None:
    gone(world, boss, ann)
    regulator = prove(browse_as(person_of(world.regulator)))
    client = prove(browse_as(boss))
    base = f"/privacy/{ann.pseudonym}/"
    assert regulator.post(f"{base}hold/", {"reason": ""}).status_code == 422
    assert regulator.post(f"{base}hold/", {"reason": "Case 12"}).status_code == 302
    assert regulator.post(f"{base}hold/", {"reason": "Case 12"}).status_code == 409
    hold = LegalHold.objects.get()
    refused = client.post(f"{base}erase/")
    assert refused.status_code == 409
    assert "placed a legal hold" in refused.content.decode()
    with pytest.raises(ProtectedError), transaction.atomic():
        ann.delete()
    assert client.post(f"/privacy/holds/{hold.pk}/lift/").status_code == 403
    assert prove(browse_as(person_of(world.maker))).post(f"/privacy/holds/{hold.pk}/lift/").status_code == 404
    assert regulator.post(f"/privacy/holds/{hold.pk}/lift/").status_code == 302
    assert regulator.post(f"/privacy/holds/{hold.pk}/lift/").status_code == 409
    assert client.post(f"{base}erase/").status_code == 302
    assert not Person.objects.filter(pk=ann.pk).exists()


def test_a_member_asks_and_administrators_see_it_and_who_left_erases_themselves(
    world: World, boss: Person, ann: Person
) -> None:
    client = prove(browse_as(ann))
    assert client.post("/privacy/erase/")["Location"] == "/privacy/"
    assert client.post("/privacy/erase/")["Location"] == "/privacy/"
    assert AdministrationEvent.objects.filter(deed="erasure_asked").count() == 1
    assert ann.pseudonym in browse_as(boss).get("/privacy/find/").content.decode()
    gone(world, boss, ann)
    again: Client = prove(browse_as(ann))
    assert "Erase my records" in again.get("/privacy/").content.decode()
    assert again.post("/privacy/erase/")["Location"] == "/account/login/"
    assert not Person.objects.filter(pk=ann.pk).exists()
