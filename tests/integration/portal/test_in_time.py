"""Pages of the book in time: corrections from the statement's page, three views, and a day gone by."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from chipledger.dsse import sign_payload
from chipledger.statements.tracking import StatementCorrected
from ledger import door
from portal.models import Draft
from registry.models import Role
from tests.integration.attestations.gateway import StandingClock
from tests.integration.portal.test_papers import file
from tests.integration.tracking.trade import Trade
from tests.people import Scene, browse_as, person_of
from tests.world import World
from tracking.models import Correction, Movement

pytestmark = pytest.mark.django_db


def test_a_statement_is_corrected_from_its_page_and_the_chip_shows_both(scene: Scene) -> None:
    world = scene.world
    maker = browse_as(person_of(world.maker))
    received = Movement.objects.filter(kind="received").select_related("statement").latest("pk")
    digest = bytes(received.statement.digest).hex()
    operator = browse_as(person_of(world.operator))
    assert "Correct this" in operator.get(reverse("statement", args=[digest])).content.decode()
    assert "Correct this" not in maker.get(reverse("statement", args=[digest])).content.decode()
    page = reverse("correct-statement", args=[digest])
    assert maker.get(page).status_code == 404
    assert operator.get(page).status_code == 200
    said = {
        "effective_at": (received.effective_at - timedelta(days=3)).strftime("%Y-%m-%dT%H:%M:%S"),
        "reason": "clock_was_wrong",
        "key": world.operator.key.public.key_id,
    }
    assert operator.post(page, said | {"effective_at": "never"}).status_code == 422
    refused = operator.post(page, said | {"effective_at": "2999-01-01T00:00:00"})
    assert (
        "This cannot have happened in the future; name an instant that has passed."
        in refused.content.decode()
    )
    assert operator.post(page, said).status_code == 302
    draft = Draft.objects.latest("created_at")
    assert file(operator, draft, sign_payload(bytes(draft.payload), [world.operator.key]).to_json()) == 302
    assert Correction.objects.get().reason == "clock_was_wrong"
    name = "A0005-7"
    address = reverse("chip", args=["maker-a", name])
    shown = {
        view: operator.get(address, {"view": view}).content.decode()
        for view in ("filed", "corrected", "both")
    }
    assert "Corrected; filed as" not in shown["filed"]
    assert "Corrected; filed as" in shown["corrected"]
    assert "corrected by operator-a" in shown["both"]
    assert "clock was wrong" in shown["both"]
    # The sender, a side of the receipt, may open the correction that its history names.
    assert maker.get(reverse("statement", args=[bytes(draft.digest).hex()])).status_code == 200


def test_a_viewer_sees_why_it_cannot_correct(scene: Scene) -> None:
    viewer = browse_as(person_of(scene.world.maker, Role.VIEWER))
    page = viewer.get(reverse("statement", args=[scene.received])).content.decode()
    assert "Correct this" in page
    assert 'aria-description="This needs the role preparer; yours is viewer. Ask an administrator."' in page


def test_pages_of_a_day_say_which_day_and_in_which_time(scene: Scene) -> None:
    operator = browse_as(person_of(scene.world.operator))
    today = door.now().date().isoformat()
    for address in (reverse("chip", args=["maker-a", "A0005-7"]), reverse("chips")):
        then = operator.get(address, {"as_of": today}).content.decode()
        known = operator.get(address, {"as_of": today, "by": "recorded", "view": "filed"}).content.decode()
        assert f"The book as it was at the end of {today}" in then
        assert f"The book as it was known at the end of {today}" in known
        assert "Corrections are left out" in known
        for bad in ("2999-01-01", "1999-01-01", "soon"):
            assert operator.get(address, {"as_of": bad}).status_code == 400
    held = operator.get(reverse("chips"), {"as_of": today, "holder": "operator-a"}).content.decode()
    assert "A0005-7" in held
    maker = browse_as(person_of(scene.world.maker))
    assert "A0005-7" not in maker.get(reverse("chips"), {"as_of": today}).content.decode()
    chip = maker.get(reverse("chip", args=["maker-a", "A0005-7"]), {"as_of": today}).content.decode()
    assert "not yours to see" in chip


def test_a_day_in_both_views_shows_what_was_filed_only_where_it_says_otherwise(
    standing: StandingClock, world: World
) -> None:
    trade, (late, punctual) = Trade(world), world.commission(["B-1", "B-2"], keyed=False)
    standing.forward(days=1)
    first, second = trade.dispatch([late]), trade.dispatch([punctual])
    trade.receive(second)
    standing.forward(days=1)
    arrived = door.now()
    standing.forward(days=3)
    receipt = trade.receive(first)
    world.submit(
        StatementCorrected,
        by=world.operator,
        original=receipt.digest.hex(),
        effective_at=arrived,
        reason="learned_later",
    )
    regulator = browse_as(person_of(world.regulator))
    asked = {"as_of": arrived.date().isoformat(), "view": "both"}

    rows = regulator.get(reverse("chips"), asked).context["rows"]
    said = {name: (where.place.holder, where.filed and where.filed.account) for _, name, where in rows}
    assert said == {late: ("operator-a", "in_transit"), punctual: ("operator-a", None)}
    for site in ("dc-1", "fab-1"):  # each view finds its own
        found = regulator.get(reverse("chips"), asked | {"site": site, "serial": "B-1"}).context["rows"]
        assert [name for _, name, _ in found] == [late]
    table = b"".join(regulator.get(reverse("chips"), asked | {"format": "csv"}).streaming_content).decode()
    assert f"{late},maker-a-h100,on_hand,operator-a,dc-1" in table
    assert ",in_transit,maker-a,fab-1," in table

    balances = regulator.get(reverse("balances"), asked).context["rows"]
    told = {
        (each.organisation.signer.handle, each.view): (each.on_hand, each.in_transit) for each in balances
    }
    assert told == {
        ("operator-a", "corrected"): (2, 0),
        ("operator-a", "filed"): (1, 0),
        ("maker-a", "corrected"): (0, 0),
        ("maker-a", "filed"): (0, 1),
    }
