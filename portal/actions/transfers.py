"""Papers of transfers: what a sender lets go, and what a consignee signs for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from chipledger.refusals import Refused
from chipledger.statements.common import format_instant
from ledger.models import Key
from portal import selections
from portal.actions.batches import keep_chips
from portal.actions.drafts import prepare_draft
from portal.actions.selections import chips_of
from portal.models import Draft, Selection
from registry.access import Reader, check_role
from registry.models import Role
from tracking.models import Transfer


def prepare_dispatch(
    said: Mapping[str, str],
    selection: Selection,
    *,
    arrival: datetime,
    keys: Sequence[Key],
    by: Reader,
    at: datetime,
) -> Draft:
    """The paper of a dispatch, about exactly the chips that were frozen: a chip that has left since is refused."""
    check_role(by, Role.PREPARER)
    fields: dict[str, object] = {name: value for name, value in said.items() if value}
    fields |= {
        "dispatched_at": format_instant(_to_the_second(at)),
        "estimated_arrival": format_instant(arrival),
        **chips_of(selection, by=by, at=at),
    }
    return prepare_draft("transfer.dispatched", fields, keys=keys, by=by, at=at)


def prepare_receipt(
    transfer: Transfer,
    found: selections.Comparison,
    *,
    reasons: Sequence[Mapping[str, str]],
    keys: Sequence[Key],
    by: Reader,
    at: datetime,
) -> Draft:
    """The paper of a receipt, from the sets that the comparison gave, and why their chips are in them."""
    check_role(by, Role.PREPARER)
    for name in ("over", "swapped", "damaged"):
        if len(getattr(found, name)) > selections.INLINE:
            raise Refused(
                "too_many_differences",
                f"More than {selections.INLINE} chips are {name}; sign for this shipment in parts.",
                field=name,
            )
    claimed = [*found.over, *(other for _, other in found.swapped)]
    selections.check_names(claimed, "This serial is not expected here; name the chip as maker/serial.", by=by)
    fields: dict[str, object] = {
        "dispatch": bytes(transfer.digest).hex(),
        "received_at": format_instant(max(_to_the_second(at), transfer.dispatched_at)),
        **found.members(),
    }
    if reasons:
        fields["reasons"] = reasons
    if not fields.keys() & {"accepted", "accepted_all"}:
        fields["manifest"] = keep_chips(found.accepted, by.organisation.signer, at=at).model_dump(mode="json")
    return prepare_draft("transfer.received", fields, keys=keys, by=by, at=at)


def _to_the_second(at: datetime) -> datetime:
    return at.replace(microsecond=0)
