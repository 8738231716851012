"""Asking about a list of serials: an answer a line, what each reader may know, at a fixed number of queries."""

from __future__ import annotations

import csv
import json
from io import BytesIO

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from ledger.models import Signer, SignerKind
from portal.queries.lookup import Known
from registry.models import Chip
from tests.people import Scene, browse_as, person_of


def ask(client: Client, serials: str, **more: object) -> dict[str, object]:
    answer = client.post(reverse("lookup"), {"serials": serials} | more)
    assert answer.status_code == 200
    return {each.asked: each for each in answer.context["answers"]}


@pytest.mark.django_db
def test_a_regulator_reads_for_each_serial_who_answers_by_which_statement_and_what_is_open(
    scene: Scene,
) -> None:
    client = browse_as(person_of(scene.world.regulator))
    page = client.post(reverse("lookup"), {"serials": "A0001-7, maker-a/A0005-7\nNOSUCH-1 A0001-7"})
    lost, held, unknown = page.context["answers"]
    assert (lost.known, held.known, unknown.known) == (Known.ONE, Known.ONE, Known.NONE)
    assert lost.holding.account.kind == "lost"
    assert [finding.rule for finding in lost.findings] == ["declared_loss"]
    assert held.holding.account.organisation == scene.world.operator.organisation
    assert held.source.position is not None
    text = page.content.decode()
    assert reverse("statement", args=[held.source.digest]) in text
    assert reverse("finding", args=[lost.findings[0].uid]) in text
    assert "not known to you" in text


@pytest.mark.django_db
def test_a_serial_of_several_makers_is_said_to_be_so(scene: Scene) -> None:
    one = Chip.objects.get(serial="A0005-7")
    Signer.objects.filter(pk=scene.world.operator.organisation.pk).update(kind=SignerKind.MANUFACTURER)
    Chip.objects.create(
        maker=scene.world.operator.organisation,
        serial="A0005-7",
        model=one.model,
        statement=one.statement,
    )
    holder = browse_as(person_of(scene.world.operator))
    found = ask(holder, "A0005-7 maker-a/A0005-7")
    assert found["A0005-7"].known == Known.SEVERAL
    assert found["maker-a/A0005-7"].known == Known.ONE


@pytest.mark.django_db
def test_a_strangers_chip_and_one_that_does_not_exist_answer_alike(scene: Scene) -> None:
    stranger = browse_as(person_of(scene.world.second_operator))
    rows = [
        stranger.post(reverse("lookup"), {"serials": serial}).content.decode().replace(serial, "X")
        for serial in ("A0005-7", "Z0005-7")
    ]
    strip = [row.partition("<h2>")[2] for row in rows]
    assert "not known to you" in strip[0]
    assert strip[0].partition("csrf")[0] == strip[1].partition("csrf")[0]
    assert strip[0].partition("<tbody")[2] == strip[1].partition("<tbody")[2]


@pytest.mark.django_db
def test_the_maker_of_a_delivered_chip_is_not_told_who_has_it(scene: Scene) -> None:
    maker = browse_as(person_of(scene.world.maker))
    page = maker.post(reverse("lookup"), {"serials": "A0005-7"}).content.decode().partition("<main")[2]
    assert "its holder&#x27;s to know" in page or "its holder's to know" in page
    assert "dc-1" not in page


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["csv", "json"])
def test_the_file_holds_every_line_that_was_asked(scene: Scene, form: str) -> None:
    client = browse_as(person_of(scene.world.regulator))
    answer = client.post(reverse("lookup"), {"serials": "A0001-7 NOSUCH-1", "format": form})
    body = b"".join(answer.streaming_content).decode()
    assert "attachment" in answer["Content-Disposition"]
    if form == "csv":
        rows = list(csv.DictReader(body.splitlines()))
        assert [row["answer"] for row in rows] == ["known", "not known to you"]
        assert rows[0]["account"] == "lost"
        assert rows[0]["open_findings"].startswith("declared_loss:")
    else:
        told = json.loads(body)
        assert told["rows"][1][:2] == ["NOSUCH-1", "not known to you"]
        assert told["checkpoint"]


@pytest.mark.django_db
def test_a_file_of_serials_is_looked_up_and_a_bad_one_is_refused(scene: Scene) -> None:
    client = browse_as(person_of(scene.world.regulator))
    found = ask(client, "", file=BytesIO(b"A0001-7\nA0002-7\n"))
    assert list(found) == ["A0001-7", "A0002-7"]
    assert client.post(reverse("lookup"), {"serials": "", "file": BytesIO(b"\xff\xfe\0")}).status_code >= 400
    assert client.post(reverse("lookup"), {"serials": " "}).status_code == 400
    assert client.post(reverse("lookup"), {"serials": "A\0B"}).status_code == 400
    many = "\n".join(f"S{number}" for number in range(10_001))
    refused = client.post(reverse("lookup"), {"serials": many})
    assert refused.status_code == 413
    assert "Split the list" in refused.content.decode()
    printed = client.post(reverse("lookup"), {"serials": "A0001-7 NOSUCH-1", "format": "print"})
    assert "SHA-256 of the CSV" in printed.content.decode()
    assert "NOSUCH-1" in printed.content.decode()
    assert client.post(reverse("lookup"), {"serials": "A1", "format": "xls"}).status_code == 400


@pytest.mark.django_db
def test_a_long_list_costs_as_many_queries_as_a_short_one(scene: Scene) -> None:
    client = browse_as(person_of(scene.world.regulator))
    client.get("/")
    costs = []
    for names in (scene.chips[:1], scene.chips[:40], [*scene.chips, *(f"N{n}" for n in range(300))]):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            ask(client, "\n".join(names))
        costs.append(len(queries))
    # Session, person, memberships; chips, where they are, movements, statements, sightings, findings; the note.
    assert costs == [10, 10, 10]
