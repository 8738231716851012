"""A stranger's object and one that never was are answered alike: the same words, by the same work of the database."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from attestations.models import Sighting
from audits.models import Finding
from ledger import attachments, door
from ledger.models import Statement
from tests.integration.api.caller import Caller
from tests.people import Scene, browse_as, person_of
from tests.world import World

pytestmark = pytest.mark.django_db

NEVER = "0f" * 32
NOBODY = "0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f"


def work_of(queries: CaptureQueriesContext) -> list[str]:
    """The queries without their values."""
    return [re.sub(r"'[^']*'(::\w+)?|\b\d+\b", "?", each["sql"]) for each in queries.captured_queries]


def pairs(scene: Scene) -> list[tuple[str, str]]:
    """Addresses of what the second operator may not see, each beside one of nothing."""
    world = scene.world
    finding = Finding.objects.filter(organisation=world.operator.organisation).latest("pk")
    lost = Statement.objects.filter(kind="chips.lost").latest("pk")
    kept = attachments.keep(world.operator.organisation.signer, [b"x"], name="x", by="", at=door.now())
    digest, attached = bytes(lost.digest).hex(), bytes(kept.digest).hex()
    return [
        (f"/transfers/{scene.received}/", f"/transfers/{NEVER}/"),
        (f"/transfers/{scene.received}/receive/", f"/transfers/{NEVER}/receive/"),
        (f"/statements/{digest}/", f"/statements/{NEVER}/"),
        (f"/statements/{digest}/evidence/", f"/statements/{NEVER}/evidence/"),
        (f"/attachments/{attached}/", f"/attachments/{NEVER}/"),
        (f"/stock-takes/{scene.counted}/", f"/stock-takes/{NEVER}/"),
        (f"/findings/{finding.uid}/", f"/findings/{NOBODY}/"),
        (f"/findings/{finding.uid}/evidence/", f"/findings/{NOBODY}/evidence/"),
        ("/sites/dc-1/", "/sites/dc-7/"),
        ("/sites/dc-1/amend/", "/sites/dc-7/amend/"),
        ("/chips/maker-a/A0001-7/", "/chips/maker-a/Z0001-7/"),
        (f"/api/v1/transfers/{scene.received}", f"/api/v1/transfers/{NEVER}"),
        (f"/api/v1/statements/{digest}", f"/api/v1/statements/{NEVER}"),
        (f"/api/v1/attachments/{attached}", f"/api/v1/attachments/{NEVER}"),
        (f"/api/v1/findings/{finding.uid}", f"/api/v1/findings/{NOBODY}"),
        ("/api/v1/chips/maker-a/A0001-7", "/api/v1/chips/maker-a/Z0001-7"),
    ]


def test_a_strangers_object_and_none_cost_the_same_and_say_the_same(world: World) -> None:
    scene = Scene(world)
    page = browse_as(person_of(world.second_operator))
    program = Caller(world.second_operator)
    page.get("/")
    program.get("/chips")
    assert not Sighting.objects.exists()
    differing = []
    for theirs, nothing in pairs(scene):
        answers = []
        for address in (theirs, nothing):
            ask = program.get if address.startswith("/api/") else page.get
            with CaptureQueriesContext(connection) as queries:
                answer = ask(address)
            body = answer.content.decode().replace(address, "")
            answers.append((answer.status_code, work_of(queries), len(body)))
        if answers[0] != answers[1] or answers[0][0] != 404:
            differing.append((theirs, answers))
    assert differing == []
