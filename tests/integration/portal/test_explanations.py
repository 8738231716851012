"""Explaining a finding on its page, with words and documents that lie beside the paper."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from audits.models import Finding
from chipledger.dsse import sign_payload
from chipledger.statements.audits import FindingExplained
from ledger.integrator import integrate
from ledger.models import Attachment
from portal.models import Draft
from registry.models import Role
from tests.integration.portal.test_findings import loss, overdue, unpack
from tests.people import Scene, browse_as, person_of

pytestmark = pytest.mark.django_db


def key_of(scene: Scene) -> str:
    return scene.world.operator.key.public.key_id


def explained_with_documents(scene: Scene, client: Client, finding: Finding) -> None:
    """Explain by form, in words and with two documents, and sign it."""
    answer = client.post(
        reverse("finding", args=[finding.uid]),
        {
            "root_cause": "genuine_loss",
            "words": "The rack was emptied\nover the weekend. <b>Ours</b> alone.",
            "documents": [
                SimpleUploadedFile("../report.html", b"<script>alert(1)</script>", "text/html"),
                SimpleUploadedFile("photo.jpg", b"jpeg" * 1000, "image/jpeg"),
            ],
            "key": key_of(scene),
            "whole": "1",
        },
    )
    assert answer.status_code == 302, answer.content.decode()
    draft = Draft.objects.latest("created_at")
    envelope = sign_payload(bytes(draft.payload), [scene.world.operator.key]).to_json()
    address = reverse("draft", args=[draft.pk])
    assert client.post(address, {"envelope_file": SimpleUploadedFile("e.json", envelope)}).status_code == 302
    while integrate():
        pass


def test_an_explanation_carries_words_and_documents_that_only_the_authority_reads(scene: Scene) -> None:
    finding, operator = loss(), browse_as(person_of(scene.world.operator))
    explained_with_documents(scene, operator, finding)
    payload = bytes(Draft.objects.latest("created_at").payload)
    assert b"weekend" not in payload
    assert b"report" not in payload

    regulator = browse_as(person_of(scene.world.regulator))
    page = regulator.get(reverse("finding", args=[finding.uid])).content.decode()
    assert "The rack was emptied<br>over the weekend. &lt;b&gt;Ours&lt;/b&gt; alone." in page
    names = {each.name: bytes(each.digest).hex() for each in Attachment.objects.all()}
    assert set(names) == {"explanation.txt", "report.html", "photo.jpg"}
    for client in (operator, regulator):
        answer = client.get(reverse("attachment", args=[names["report.html"]]))
        assert answer["Content-Type"] == "application/octet-stream"
        assert answer["Content-Disposition"] == 'attachment; filename="report.html"'
    stranger = browse_as(person_of(scene.world.maker))
    assert stranger.get(reverse("attachment", args=[names["report.html"]])).status_code == 404

    packed = unpack(regulator, finding)
    (told,) = [each for each in json.loads(packed["finding.json"])["attachments"] if "photo" in each["file"]]
    content = packed[told["file"]]
    assert content == b"jpeg" * 1000
    assert hashlib.sha256(bytes.fromhex(told["salt"]) + content).hexdigest() == told["digest"]
    assert b"SHA-256(salt, content)" in packed["README.txt"]


@pytest.mark.parametrize(
    ("change", "status", "sentence"),
    [
        ({"documents": [SimpleUploadedFile(f"{n}.txt", b"x") for n in range(8)]}, 422, "at most 7"),
        ({"documents": [SimpleUploadedFile("empty.txt", b"")]}, 422, "The submitted file is empty."),
        ({"documents": [SimpleUploadedFile("b.bin", bytes(11 * 2**20))]}, 413, "at most 10 MiB"),
        ({"root_cause": "it_was_raining"}, 422, "is not one of the available choices"),
        ({"words": "x" * 5001}, 422, "at most 5000 characters"),
    ],
    ids=["too-many", "empty", "too-large", "unknown-cause", "too-long"],
)
def test_an_explanation_that_is_refused_keeps_nothing(
    scene: Scene, change: dict[str, Any], status: int, sentence: str
) -> None:
    client = browse_as(person_of(scene.world.operator))
    said = {"root_cause": "genuine_loss", "words": "Why.", "key": key_of(scene), "whole": "1"}
    answer = client.post(reverse("finding", args=[loss().uid]), said | change)
    assert answer.status_code == status
    assert sentence in answer.content.decode()
    assert not Attachment.objects.exists()
    assert not Draft.objects.exists()


def test_of_several_files_that_broke_off_on_the_way_none_is_kept(scene: Scene) -> None:
    client = browse_as(person_of(scene.world.operator))
    said = {
        "root_cause": "genuine_loss",
        "key": key_of(scene),
        "documents": [SimpleUploadedFile("one.bin", bytes(4 * 2**20))],
    }
    answer = client.post(reverse("finding", args=[loss().uid]), said)  # its last field never came
    assert answer.status_code == 400
    assert "broke off before its end" in answer.content.decode()
    assert not Attachment.objects.exists()


def test_who_may_say_nothing_of_a_finding_is_told_why(scene: Scene) -> None:
    viewer = browse_as(person_of(scene.world.operator, Role.VIEWER))
    refused = viewer.post(reverse("finding", args=[loss().uid]), {"root_cause": "genuine_loss"})
    assert refused.status_code == 403
    assert "This needs the role preparer" in refused.content.decode()
    counterparty = browse_as(person_of(scene.world.maker))
    answer = counterparty.post(reverse("finding", args=[overdue().uid]), {"root_cause": "genuine_loss"})
    assert answer.status_code == 403
    assert "Nothing is asked of you here; load the finding again." in answer.content.decode()


def test_a_later_explanation_takes_nothing_away_from_the_authority(scene: Scene) -> None:
    finding, operator = loss(), browse_as(person_of(scene.world.operator))
    explained_with_documents(scene, operator, finding)
    scene.world.submit(
        FindingExplained, by=scene.world.operator, finding=finding.uid.hex, root_cause="missing_upload"
    )
    while integrate():
        pass
    regulator = browse_as(person_of(scene.world.regulator))
    page = regulator.get(reverse("finding", args=[finding.uid])).content.decode()
    assert "over the weekend" in page
    assert page.count("Explanation of a finding") == 4  # two papers, each with its title and its heading
    for attachment in Attachment.objects.all():
        address = reverse("attachment", args=[bytes(attachment.digest).hex()])
        assert regulator.get(address).status_code == 200
    assert sum(name.startswith("attachments/") for name in unpack(regulator, finding)) == 3


def test_a_document_called_like_the_words_is_not_taken_for_them(scene: Scene) -> None:
    finding, client = loss(), browse_as(person_of(scene.world.operator))
    said = {"root_cause": "genuine_loss", "key": key_of(scene), "whole": "1"}
    said["documents"] = SimpleUploadedFile("explanation.txt", b"not the words")
    assert client.post(reverse("finding", args=[finding.uid]), said).status_code == 302
    draft = Draft.objects.latest("created_at")
    envelope = sign_payload(bytes(draft.payload), [scene.world.operator.key]).to_json()
    client.post(reverse("draft", args=[draft.pk]), {"envelope_file": SimpleUploadedFile("e.json", envelope)})
    page = client.get(reverse("finding", args=[finding.uid])).content.decode()
    assert "not the words" not in page
    assert "explanation.txt" in page
