"""People for tests of pages: who signs in, for which party, in which role; and a world with something to look at."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

from django.contrib.auth.hashers import make_password
from django.test import Client

from audits.actions.sweeps import sweep
from chipledger.statements.audits import PolicyPublished, Threshold
from chipledger.statements.tracking import ChipsLost, StockCounted, TransferDispatched, TransferReceived
from ledger import door
from ledger.integrator import integrate
from registry.models import Membership, Person, Role
from tests.world import Party, World

PASSWORD = "correct horse battery staple"


@cache
def _hashed() -> str:
    """The password as it is kept, hashed once for all people of a test run: it takes longer than most tests."""
    return make_password(PASSWORD)


def person_of(party: Party, role: Role = Role.ADMINISTRATOR, *, email: str = "") -> Person:
    """A member of this party's organisation."""
    email = email or f"{role}@{party.handle}.example"
    person = Person.objects.create(email=email, password=_hashed(), name=f"{role.label} of {party.handle}")
    Membership.objects.create(person=person, organisation=party.organisation, role=role, since=door.now())
    return person


def browse_as(person: Person) -> Client:
    """A browser without scripts, signed in."""
    client = Client()
    client.force_login(person)
    return client


def prove(client: Client) -> Client:
    """Say the password once more, where a page asks for it."""
    assert client.post("/account/reauthenticate/", {"password": PASSWORD}).status_code == 302
    return client


def dispatch(world: World, chips: list[str], **fields: Any) -> str:
    """From the fab to dc-1, eleven days ago unless told otherwise; returns the digest."""
    now = door.now()
    said: dict[str, Any] = {
        "from_site": "fab-1",
        "consignee": "operator-a",
        "to_site": "dc-1",
        "dispatched_at": now - timedelta(days=30),
        "estimated_arrival": now - timedelta(days=25),
        "waybill": "NLC-2231-0097",
        "chips": sorted(chips),
    }
    outcome = world.submit(TransferDispatched, by=fields.pop("by", world.maker), **(said | fields))
    return outcome.digest.hex()


class Scene:
    """A world in which every list has a row: a batch, transfers received and overdue, a loss, a count, a cluster."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.chips = world.commission([f"A{number:04d}-7" for number in range(1, 41)])
        world.submit(
            PolicyPublished,
            by=world.regulator,
            code="test-line",
            title="More than ten chips' worth",
            source="A test",
            countries=[],
            grouping="site",
            thresholds=[Threshold(measure="tpp", above=100_000)],
            effective_from=door.now() - timedelta(days=1),
        )
        self.received = dispatch(world, self.chips[:24])
        world.submit(
            TransferReceived,
            by=world.operator,
            dispatch=self.received,
            received_at=door.now(),
            accepted=self.chips[:22],
            short=self.chips[22:24],
            over=["maker-a/A9999-7"],
        )
        self.overdue = dispatch(world, self.chips[24:32])
        world.submit(
            ChipsLost,
            by=world.operator,
            site="dc-1",
            happened_at=door.now(),
            chips=self.chips[:2],
            reason="not_in_rack",
        )
        counted = world.submit(
            StockCounted,
            by=world.operator,
            site="dc-2",
            counted_at=door.now(),
            method="scan",
            chips=["maker-a/B0000-7"],
        )
        self.counted = counted.digest.hex()
        sweep(at=door.now())
        integrate()
