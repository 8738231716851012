"""Words for the papers that tests file about chips."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from chipledger.statements.tracking import (
    StockCounted,
    TransferDispatched,
    TransferReceived,
    TransferSettled,
    TransferVoided,
)
from ledger import door
from tests.world import Party, World
from tracking.models import Holding, StockCount, Transfer


class Trade:
    """Files transfers between the parties of a world, with sensible defaults."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.maker, self.operator, self.stranger = world.maker, world.operator, world.second_operator

    def dispatch(self, selected: Sequence[str], /, *, by: Party | None = None, **fields: Any) -> str:
        """Dispatch from the fab to dc-1 unless told otherwise; returns the digest."""
        now = door.now()
        route: dict[str, Any] = {
            "from_site": "fab-1",
            "consignee": "operator-a",
            "to_site": "dc-1",
            "dispatched_at": now,
            "estimated_arrival": now + timedelta(days=2),
            "chips": sorted(selected),
        }
        return self.world.submit(TransferDispatched, by=by or self.maker, **{**route, **fields}).digest.hex()

    def receive(self, dispatch: str, *, by: Party | None = None, **fields: Any) -> door.Outcome:
        if not {"accepted", "manifest", "accepted_all"} & fields.keys():
            fields["accepted_all"] = True
        fields.setdefault("received_at", door.now())
        return self.world.submit(TransferReceived, by=by or self.operator, dispatch=dispatch, **fields)

    def settle(self, dispatch: str, outcome: str, chips: Sequence[str], *, by: Party) -> door.Outcome:
        return self.world.submit(
            TransferSettled,
            by=by,
            dispatch=dispatch,
            outcome=outcome,
            chips=sorted(chips),
            reason="counted_again",
        )

    def void(self, dispatch: str, *, by: Party | None = None) -> door.Outcome:
        return self.world.submit(
            TransferVoided, by=by or self.maker, dispatch=dispatch, reason="truck_broke_down"
        )


def count_site(
    world: World, found: Sequence[str], *, by: Party | None = None, site: str = "fab-1", **fields: Any
) -> StockCount:
    """File a count of a site by its holder, the maker at its fab unless told otherwise."""
    said = {"counted_at": door.now(), "method": "scan", "chips": sorted(found), **fields}
    outcome = world.submit(StockCounted, by=by or world.maker, site=site, **said)
    return StockCount.objects.get(statement=outcome.statement)


def where(chip: str) -> tuple[str, str, str]:
    """The account a chip is on: kind, organisation, site."""
    maker, _, serial = chip.partition("/")
    holding = Holding.objects.select_related("account__organisation__signer", "account__site").get(
        chip__maker__signer__handle=maker, chip__serial=serial
    )
    account = holding.account
    return account.kind, account.organisation.signer.handle, account.site.code


def transfer_of(digest: str) -> Transfer:
    return Transfer.objects.get(digest=bytes.fromhex(digest))
