"""Attachments: sent before the statement that names them, tied to it once, and never shown in place."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections

from audits.models import Finding
from chipledger.refusals import Refused
from chipledger.statements.audits import FindingExplained
from ledger import attachments, door
from ledger.models import Attachment, AttachmentPart
from tests.integration.api.caller import Caller, problem_of
from tests.people import Scene
from tests.world import Party, World

pytestmark = pytest.mark.django_db

PAGE = b"<script>alert('look')</script>"
OCTETS = "application/octet-stream"


@pytest.fixture
def scene(world: World) -> Scene:
    return Scene(world)


@pytest.fixture
def finding(scene: Scene) -> Finding:
    return Finding.objects.filter(organisation=scene.world.operator.organisation).latest("pk")


def send(party: Party, content: bytes = PAGE, name: str = "report.html") -> Any:
    answer = Caller(party).post("/attachments", content, OCTETS, headers={"Attachment-Name": name})
    assert answer.status_code == 201, answer.content
    return answer.json()


def explain(world: World, finding: Finding, *digests: str, by: Party | None = None) -> None:
    world.submit(
        FindingExplained,
        by=by or world.operator,
        finding=finding.uid.hex,
        root_cause="late_filing",
        attachments=list(digests),
    )


def test_an_attachment_is_named_by_a_salted_hash_and_given_back_as_a_file_to_keep(
    scene: Scene, finding: Finding
) -> None:
    sent = send(scene.world.operator, PAGE * 100_000)
    assert sent["digest"] == hashlib.sha256(bytes.fromhex(sent["salt"]) + PAGE * 100_000).hexdigest()
    explain(scene.world, finding, sent["digest"])

    for reader in (scene.world.operator, scene.world.regulator):
        answer = Caller(reader).get(f"/attachments/{sent['digest']}")
        assert b"".join(answer.streaming_content) == PAGE * 100_000
        assert answer["Content-Type"] == OCTETS
        assert answer["Content-Disposition"] == 'attachment; filename="report.html"'
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Content-Security-Policy"].startswith("sandbox")
    for stranger in (scene.world.maker, scene.world.second_operator):
        answer = Caller(stranger).get(f"/attachments/{sent['digest']}")
        assert problem_of(answer)["code"] == "not_found"


def test_nobody_reads_what_no_statement_names_but_its_sender(scene: Scene) -> None:
    sent = send(scene.world.operator)
    assert Caller(scene.world.operator).get(f"/attachments/{sent['digest']}").status_code == 200
    assert Caller(scene.world.regulator).get(f"/attachments/{sent['digest']}").status_code == 404


def test_a_statement_names_only_what_its_signer_sent_and_nothing_twice(
    scene: Scene, finding: Finding
) -> None:
    world = scene.world
    theirs = send(world.second_operator)["digest"]
    with pytest.raises(Refused) as refused:
        explain(world, finding, theirs)
    assert (refused.value.code, refused.value.value) == ("attachment_missing", theirs)
    mine = send(world.operator)["digest"]
    with pytest.raises(ValueError, match="named twice"):
        explain(world, finding, mine, mine)
    explain(world, finding, mine)
    with pytest.raises(Refused) as refused:
        explain(world, finding, mine)
    assert refused.value.code == "attachment_named"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\räport (2).pdf", "räport (2).pdf"),
        ('a";\r\nSet-Cookie: x', "a_Set-Cookie_ x"),
        ("", "attachment"),
        ("…", "_"),
        ("x" * 300 + ".pdf", "x" * 116 + ".pdf"),
    ],
)
def test_the_name_of_an_attachment_is_made_harmless(given: str, kept: str) -> None:
    assert attachments.plain_name(given) == kept


def test_what_is_empty_or_too_large_leaves_nothing_behind(world: World) -> None:
    caller = Caller(world.operator)
    assert problem_of(caller.post("/attachments", b"", OCTETS))["code"] == "attachment_empty"
    too_large = caller.post("/attachments", b"", OCTETS, CONTENT_LENGTH=str(10 * 2**30))
    assert problem_of(too_large)["status"] == 413
    with pytest.raises(Refused) as refused:
        attachments.keep(
            world.operator.organisation.signer,
            (bytes(2**20) for _ in range(11)),
            name="film.mp4",
            by="",
            at=door.now(),
        )
    assert (refused.value.code, refused.value.value) == ("attachment_too_large", "film.mp4")
    assert not Attachment.objects.exists()
    assert not AttachmentPart.objects.exists()


def test_a_program_without_the_scope_sends_nothing(world: World) -> None:
    answer = Caller(world.operator, scopes=("read",)).post("/attachments", PAGE, OCTETS)
    assert answer.status_code == 403


def test_what_no_paper_can_name_any_more_is_removed(scene: Scene, finding: Finding) -> None:
    world, signer = scene.world, scene.world.operator.organisation.signer
    long_ago = door.now() - timedelta(days=31)
    named = attachments.keep(signer, [PAGE], name="a", by="", at=long_ago)
    attachments.keep(signer, [PAGE], name="b", by="", at=long_ago + timedelta(days=2))
    attachments.keep(signer, [PAGE], name="c", by="", at=long_ago)
    explain(world, finding, bytes(named.digest).hex())
    assert attachments.forget_unnamed(at=door.now()) == 1
    assert set(Attachment.objects.values_list("name", flat=True)) == {"a", "b"}


def test_documents_that_no_paper_names_do_not_pile_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.attachments.MOST_UNNAMED", 40)
    caller = Caller(world.operator)
    assert caller.post("/attachments", PAGE, OCTETS).status_code == 201
    assert caller.post("/attachments", PAGE, OCTETS).status_code == 201
    refused = problem_of(caller.post("/attachments", PAGE, OCTETS))
    assert (refused["status"], refused["code"]) == (409, "too_many_unnamed")
    assert Caller(world.second_operator).post("/attachments", PAGE, OCTETS).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_of_two_papers_that_name_one_document_at_once_the_second_is_refused(world: World) -> None:
    scene = Scene(world)
    ours = Finding.objects.filter(organisation=scene.world.operator.organisation).order_by("pk")[:2]
    digest = send(world.operator)["digest"]

    def say(finding: Finding) -> str:
        try:
            explain(world, finding, digest)
        except Refused as refused:
            return refused.code
        finally:
            connections.close_all()
        return "booked"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(say, list(ours))) == ["attachment_named", "booked"]
