"""The page of one finding and its download: timeline, evidence, statements with proofs, each as far as one may see."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from attestations.models import Conflict, Sighting
from audits.models import Finding
from chipledger.cli import main
from chipledger.statements.audits import FindingDecided, FindingExplained
from ledger import door, log
from ledger.integrator import integrate
from ledger.log_key import note_key
from registry.models import Chip, Site
from tests.people import Scene, browse_as, person_of
from tests.world import Party

pytestmark = pytest.mark.django_db


def loss() -> Finding:
    return Finding.objects.get(rule="declared_loss", subject="chip:maker-a/A0001-7")


def overdue() -> Finding:
    return Finding.objects.get(rule="overdue_receipt")


def unpack(client: Client, finding: Finding) -> dict[str, bytes]:
    answer = client.get(reverse("finding-evidence", args=[finding.uid]))
    assert answer.status_code == 200
    assert answer["Content-Disposition"].startswith('attachment; filename="finding-')
    assert answer.streaming
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def explain_and_decide(scene: Scene, finding: Finding) -> None:
    scene.world.submit(
        FindingExplained, by=scene.world.operator, finding=finding.uid.hex, root_cause="genuine_loss"
    )
    scene.world.submit(
        FindingDecided,
        by=scene.world.regulator,
        finding=finding.uid.hex,
        decision="confirmed",
        reason="checked-on-site",
    )
    while integrate():
        pass


@pytest.mark.parametrize("party", ["regulator", "operator"])
def test_the_statements_in_the_download_verify_with_the_command(
    scene: Scene, party: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    finding = loss()
    explain_and_decide(scene, finding)
    files = unpack(browse_as(person_of(getattr(scene.world, party))), finding)
    (tmp_path / "statements.json").write_bytes(files["statements.json"])
    command = ["verify", str(tmp_path / "statements.json"), "--vkey", note_key().vkey, "--json"]
    capsys.readouterr()
    assert main(command) == 0
    verified = json.loads(capsys.readouterr().out)
    assert [each["kind"] for each in verified["statements"]] == [
        "transfer.received",
        "chips.lost",
        "finding.explained",
        "finding.decided",
    ]
    said = json.loads(files["finding.json"])
    assert [each["digest"] for each in said["statements"]] == [
        each["digest"] for each in verified["statements"]
    ]
    assert [each["position"] for each in said["statements"]] == [
        each["position"] for each in verified["statements"]
    ]
    altered = json.loads(files["statements.json"])
    altered["items"][0]["accepted_at"] = "2020-01-01T00:00:00Z"
    (tmp_path / "statements.json").write_text(json.dumps(altered))
    assert main(command) == 2


def test_the_download_says_what_was_frozen_by_which_rule_and_at_which_checkpoint(scene: Scene) -> None:
    finding = loss()
    finding.frozen["checkpoint"] = note_size()
    finding.frozen["confidential"] = {"members": ["secret-party"]}
    finding.save(update_fields=["frozen"])
    files = unpack(browse_as(person_of(scene.world.regulator)), finding)
    said = json.loads(files["finding.json"])
    assert said["format"] == "chipledger-finding@v1"
    assert said["finding"]["rule"]["code"] == "declared_loss"
    assert said["finding"]["rule"]["version"] == finding.frozen["rule_version"]
    assert said["frozen"] == json.loads(json.dumps(finding.frozen))
    assert said["checkpoint"]["size"] == note_size()
    assert f"\n{note_size()}\n" in files["checkpoint.txt"].decode()
    assert "chipledger verify statements.json" in files["README.txt"].decode()
    own = unpack(browse_as(person_of(scene.world.operator)), finding)
    assert b"secret-party" not in b"".join(own.values())
    assert "confidential" not in json.loads(own["finding.json"])["frozen"]


def test_strangers_and_regulators_of_other_countries_get_neither_page_nor_download(scene: Scene) -> None:
    other = Party("regulator-fr")
    scene.world.admit(other, "regulator", countries=["FR"])
    for party in (scene.world.maker, scene.world.second_operator, other):
        client = browse_as(person_of(party))
        for name in ("finding", "finding-evidence"):
            assert client.get(reverse(name, args=[loss().uid])).status_code == 404
    for name in ("finding", "finding-evidence"):
        assert Client().get(reverse(name, args=[loss().uid])).status_code == 302


def test_a_counterparty_reads_the_finding_about_its_transfer_and_no_more_than_it_may_see(
    scene: Scene,
) -> None:
    maker = browse_as(person_of(scene.world.maker))
    files = unpack(maker, overdue())
    said = json.loads(files["finding.json"])
    assert [each["kind"] for each in said["statements"]] == ["transfer.dispatched"]
    assert said["missing"] == ["Nobody has signed for 8 of the 8 chips dispatched."]
    page = maker.get(reverse("finding", args=[overdue().uid])).content.decode()
    assert f'href="{reverse("transfer", args=[scene.overdue])}"' in page
    assert f'href="{reverse("statement", args=[scene.overdue])}"' in page


def titles(answer: Any) -> list[str]:
    return [event.title for event in answer.context["story"].events]


def test_the_timeline_tells_the_finding_and_its_chip_in_order(scene: Scene) -> None:
    finding = loss()
    explain_and_decide(scene, finding)
    Finding.objects.filter(pk=finding.pk).update(worsened_at=door.now())
    answer = browse_as(person_of(scene.world.regulator)).get(reverse("finding", args=[finding.uid]))
    told = titles(answer)
    for title in (
        "Decided by regulator-a",
        "Explained by operator-a",
        "It became graver",
        "A sweep opened the finding",
        "Lost by operator-a",
        "Received by operator-a",
        "So since then, by the records",
    ):
        assert title in told, title
    assert "The explanation is due" not in told  # it was decided in time
    events = answer.context["story"].events
    assert [event.at for event in events] == sorted((event.at for event in events), reverse=True)
    decided = next(event for event in events if event.title == "Decided by regulator-a")
    assert decided.position is not None
    page = answer.content.decode()
    assert page.count("In the log") == 4
    assert page.count('class="paper"') == 2


def test_the_timeline_of_a_transfer_tells_its_states_and_deadlines(scene: Scene) -> None:
    answer = browse_as(person_of(scene.world.operator)).get(reverse("finding", args=[overdue().uid]))
    told = titles(answer)
    assert "Dispatched by maker-a" in told
    assert "The receipt is due" in told
    assert "The explanation is due" in told
    assert "Arrival estimated by the sender" in told
    assert "Nobody has signed for 8 of the 8 chips dispatched." in answer.content.decode()


def test_evidence_stands_by_grade_and_what_is_missing_is_said(scene: Scene) -> None:
    finding = loss()
    chip = Chip.objects.get(serial="A0001-7")
    Sighting.objects.create(
        chip=chip,
        identity=3,
        place=2,
        site=Site.objects.get(code="dc-1"),
        seen_at=door.now() - timedelta(hours=3),
        present_since=door.now() - timedelta(hours=4),
        seq=1,
        claims_sha256=b"",
        statement_id=chip.statement_id,
    )
    operator = browse_as(person_of(scene.world.operator))
    story = operator.get(reverse("finding", args=[finding.uid])).context["story"]
    assert [(each.grade, each.site) for each in story.evidence if each.seen_at] == [("host", "dc-1")]
    assert len(story.evidence) == 5
    assert story.missing == [
        "No evidence by the chip's own hardware that you may see: a weaker grade never stands in for it."
    ]
    Sighting.objects.update(identity=5)
    story = operator.get(reverse("finding", args=[finding.uid])).context["story"]
    assert story.missing[0].startswith("Nothing by the chip's own hardware since ")


def test_contradictions_are_told_to_regulators_alone(scene: Scene) -> None:
    chip = Chip.objects.get(serial="A0001-7")
    here, there = Site.objects.get(code="dc-1"), Site.objects.get(code="dc-3")
    Conflict.objects.create(
        chip=chip,
        sign="two_places",
        site=here,
        other_site=there,
        seen_at=door.now(),
        other_seen_at=door.now(),
        statement_id=chip.statement_id,
    )
    address = reverse("finding", args=[loss().uid])
    assert "Contradiction: two places" in titles(browse_as(person_of(scene.world.regulator)).get(address))
    operator = browse_as(person_of(scene.world.operator)).get(address)
    assert "Contradiction: two places" not in titles(operator)
    assert "dc-3" not in operator.content.decode()


def test_whoever_may_see_a_finding_may_open_the_papers_about_it(scene: Scene) -> None:
    finding = loss()
    explain_and_decide(scene, finding)
    finding.refresh_from_db()
    assert finding.closed_by is not None
    address = reverse("statement", args=[bytes(finding.closed_by.digest).hex()])
    assert browse_as(person_of(scene.world.operator)).get(address).status_code == 200
    assert browse_as(person_of(scene.world.second_operator)).get(address).status_code == 404


def test_a_statement_without_a_place_in_the_log_is_waited_for(scene: Scene) -> None:
    finding = loss()
    scene.world.submit(
        FindingExplained, by=scene.world.operator, finding=finding.uid.hex, root_cause="genuine_loss"
    )
    answer = browse_as(person_of(scene.world.operator)).get(reverse("finding-evidence", args=[finding.uid]))
    assert answer.status_code == 409
    assert "no place in the log yet" in answer.content.decode()


def note_size() -> int:
    checkpoint = log.latest_checkpoint()
    assert checkpoint is not None
    return checkpoint.size
