"""One honest count at the end of a run: of a site where nothing was planted, whose shelf agrees with the book."""

from __future__ import annotations

from chipledger.manifests import Shape
from chipledger.statements.common import MAX_INLINE_CHIPS
from chipledger.statements.tracking import StockCounted
from ledger import door
from registry.models import Site
from simulator.drive.desk import Desk
from simulator.plan.world import World
from tracking.models import AccountKind
from tracking.queries.stock_counts import names_on_book


def count_a_quiet_site(world: World, desk: Desk, *, by: str) -> None:
    """Let an organisation file what it finds at its first site without an event; where there is none, nothing.

    Counting more of them would tell what was planted: a holder that counts truly finds its own diversions.
    """
    planted = {event.site for event in world.events}
    held = Site.objects.filter(
        organisation__signer__handle=by,
        accounts__kind=AccountKind.ON_HAND,
        accounts__holdings__isnull=False,
    )
    site = held.exclude(code__in=planted).distinct().order_by("code").first()
    if site is None:
        return
    at = door.now()
    found = names_on_book(site, at=at)
    fields: dict[str, object] = {"site": site.code, "counted_at": at, "method": "scan"}
    if len(found) > MAX_INLINE_CHIPS:
        rows = [(name,) for name in found]
        fields["manifest"] = desk.upload(by, Shape.CHIPS, rows, label=f"count of {site.code}")
    else:
        fields["chips"] = found
    desk.file(StockCounted, fields, by=by)
    desk.catch_up()
