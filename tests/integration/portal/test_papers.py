"""Papers on the table: frozen, signed by those they name, filed once, and refused when anything about them changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from chipledger.dsse import sign_payload
from jobs.models import Job, JobState
from ledger import door
from portal.models import Draft
from registry.models import Role
from tests.passkeys import sign_with_passkey
from tests.people import Scene, browse_as, person_of
from tests.world import Party, World
from tracking.models import Transfer


def choose(client: Client, address: str, **said: object) -> str:
    """Freeze a selection as the first step of a paper; returns its number."""
    answer = client.post(address, said)
    assert answer.status_code == 302, answer.content.decode()
    return answer["Location"].partition("selection=")[2]


def prepare_dispatch(client: Client, by: Party, chips: list[str], **said: str) -> Draft:
    arrival = (door.now() + timedelta(days=5)).date().isoformat()
    fields = {
        "from_site": "fab-1",
        "consignee": "operator-a",
        "to_site": "dc-1",
        "estimated_arrival": arrival,
    }
    selection = choose(client, reverse("dispatch"), chips="\n".join(chips))
    answer = client.post(
        reverse("dispatch"), {**fields, "key": by.key.public.key_id, "selection": selection, **said}
    )
    assert answer.status_code == 302, answer.content.decode()
    return Draft.objects.latest("created_at")


def file(client: Client, draft: Draft, envelope: bytes, **fields: str) -> int:
    answer = client.post(
        reverse("draft", args=[draft.pk]),
        {"envelope_file": SimpleUploadedFile("e.json", envelope), **fields},
    )
    return answer.status_code


@pytest.fixture
def chips(world: World) -> list[str]:
    return world.commission([f"D{number:03d}" for number in range(1, 9)])


@pytest.mark.django_db
def test_a_paper_that_is_sent_twice_is_filed_once(world: World, chips: list[str]) -> None:
    client = browse_as(person_of(world.maker))
    draft = prepare_dispatch(client, world.maker, chips)
    envelope = sign_payload(bytes(draft.payload), [world.maker.key]).to_json()
    assert [file(client, draft, envelope), file(client, draft, envelope)] == [302, 302]
    assert Transfer.objects.count() == 1


@pytest.mark.django_db
def test_a_paper_seen_before_it_was_prepared_anew_cannot_be_signed(world: World, chips: list[str]) -> None:
    client = browse_as(person_of(world.maker))
    draft = prepare_dispatch(client, world.maker, chips)
    old = sign_payload(bytes(draft.payload), [world.maker.key]).to_json()
    client.post(reverse("draft-prepare", args=[draft.pk]), {"key": world.maker.key.public.key_id})
    assert file(client, draft, old) == 409
    assert not Transfer.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("is_passkey", [False, True], ids=["offline key", "passkey"])
def test_a_signature_of_another_organisation_is_refused(
    world: World, chips: list[str], is_passkey: bool
) -> None:
    client = browse_as(person_of(world.maker))
    draft = prepare_dispatch(client, world.maker, chips)
    envelope = sign_payload(bytes(draft.payload), [world.operator.key])
    if is_passkey:
        theirs = sign_with_passkey(
            world.operator.key,
            envelope.digest,
            rp_id=settings.PASSKEY_RP_ID,
            origin=settings.PASSKEY_ORIGINS[0],
        )
        envelope = replace(envelope, signatures=(theirs,))
    answer = client.post(
        reverse("draft", args=[draft.pk]),
        {"envelope_file": SimpleUploadedFile("e.json", envelope.to_json())},
    )
    assert answer.status_code == 403
    assert "Sign with a key that it names" in answer.content.decode()
    assert not Transfer.objects.exists()


@pytest.mark.django_db
def test_a_preparer_prepares_and_only_a_signatory_signs(world: World, chips: list[str]) -> None:
    preparer = browse_as(person_of(world.maker, Role.PREPARER))
    draft = prepare_dispatch(preparer, world.maker, chips)
    envelope = sign_payload(bytes(draft.payload), [world.maker.key]).to_json()
    assert file(preparer, draft, envelope) == 403
    assert file(browse_as(person_of(world.maker, Role.SIGNATORY)), draft, envelope) == 302
    stranger = browse_as(person_of(world.operator))
    assert stranger.get(reverse("draft", args=[draft.pk])).status_code == 404


@pytest.mark.django_db
def test_every_chip_at_fault_is_named_before_anybody_signs(scene: Scene) -> None:
    client = browse_as(person_of(scene.world.maker))
    arrival = (door.now() + timedelta(days=5)).date().isoformat()
    named = "\n".join([scene.chips[0], scene.chips[39], "maker-a/NONE-1"])
    answer = client.post(
        reverse("dispatch"),
        {
            "from_site": "fab-1",
            "consignee": "operator-b",
            "to_site": "dc-3",
            "estimated_arrival": arrival,
            "key": scene.world.maker.key.public.key_id,
            "selection": choose(client, reverse("dispatch"), chips=named),
        },
    )
    page = answer.content.decode()
    assert answer.status_code == 422
    assert scene.chips[0] in page.partition("Rows at fault")[2]
    assert "maker-a/NONE-1" in page.partition("Rows at fault")[2]
    assert not Draft.objects.exists()


@pytest.mark.django_db
def test_faults_beyond_those_shown_are_counted_and_downloaded(scene: Scene) -> None:
    unknown = "".join(f"maker-a/NONE-{number:04d}\n" for number in range(1200))
    browser = browse_as(person_of(scene.world.maker))
    answer = browser.post(
        reverse("dispatch"),
        {
            "from_site": "fab-1",
            "consignee": "operator-b",
            "to_site": "dc-3",
            "estimated_arrival": (door.now() + timedelta(days=5)).date().isoformat(),
            "key": scene.world.maker.key.public.key_id,
            "selection": choose(
                browser, reverse("dispatch"), file=SimpleUploadedFile("list.txt", unknown.encode())
            ),
        },
    )
    page = answer.content.decode()
    assert answer.status_code == 422
    assert page.count("<tr>") == 1001  # a head and the first thousand
    assert "unknown_serial" in page
    assert "1,200" in page
    job = Job.objects.get(kind="portal.check-rows")
    assert reverse("job-rejected", args=[job.pk]) in page
    rows = b"".join(browser.get(reverse("job-rejected", args=[job.pk]))).decode().splitlines()
    assert len(rows) == 1201
    assert not Draft.objects.exists()


@pytest.mark.django_db
def test_more_chips_than_fit_into_a_paper_are_frozen_in_a_manifest(world: World) -> None:
    chips = world.commission([f"M{number:04d}" for number in range(600)], keyed=False)
    client = browse_as(person_of(world.maker))
    draft = prepare_dispatch(client, world.maker, chips)
    assert draft.fields["manifest"]["rows"] == 600
    assert file(client, draft, sign_payload(bytes(draft.payload), [world.maker.key]).to_json()) == 302
    draft.refresh_from_db()
    assert Job.objects.get(pk=draft.job).state == JobState.QUEUED
