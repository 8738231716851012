"""What the tests of this room do again and again."""

from __future__ import annotations

from datetime import timedelta

from ledger import door
from ledger.integrator import integrate
from notices.actions.watch import look
from notices.models import Notice
from tests.people import dispatch
from tests.world import Party, World


def told(party: Party) -> list[str]:
    """The kinds of an organisation's notices, oldest first."""
    return list(
        Notice.objects.filter(organisation=party.organisation).order_by("pk").values_list("kind", flat=True)
    )


def send(world: World, serials: tuple[str, ...] = ("N1", "N2"), **fields: object) -> str:
    """A dispatch from maker-a to operator-a that has its place in the log; overdue unless told otherwise."""
    digest = dispatch(world, world.commission(list(serials)), **fields)
    integrate()
    return digest


def announce(world: World, serials: tuple[str, ...] = ("N1", "N2")) -> str:
    """A dispatch in time, of which operator-a has been told."""
    digest = send(world, serials, estimated_arrival=door.now() + timedelta(days=5))
    look(at=door.now())
    return digest
