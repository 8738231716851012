"""Lists of chips as a reader may filter them."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from chipledger.refusals import Refused
from registry.access import Reader, visible
from registry.models import Chip
from tracking.models import AccountKind, Holding
from tracking.queries.as_of import AsOf, known_lines_at


@dataclass(frozen=True)
class ChipFilter:
    """What a list of chips is narrowed to; empty text means all."""

    maker: str = ""
    model: str = ""
    site: str = ""
    holder: str = ""
    state: str = ""

    @property
    def asks_where(self) -> bool:
        return bool(self.site or self.holder or self.state)


def list_chips(reader: Reader, wanted: ChipFilter, day: AsOf | None = None) -> QuerySet[Chip]:
    """The chips that a reader asks for. A holder sees what it holds or expects; a maker that asks for
    its own make sees all that it ever made. On a day gone by everybody sees the chips of which they may know where
    those were.

    Questions of place are answered only from holdings that the reader may see, so that no filter tells a maker where
    a delivered chip went. Raises Refused `bad_state` (400) for a state that accounts do not have.
    """
    if wanted.state and wanted.state not in AccountKind.values:
        raise Refused(
            "bad_state", f"Choose a state from {', '.join(AccountKind.values)}.", field="state", status=400
        )
    chips = visible(reader, Chip).select_related("maker__signer", "model")
    if wanted.maker:
        chips = chips.filter(maker__signer__handle=wanted.maker)
    if wanted.model:
        chips = chips.filter(model__code=wanted.model)
    if day is not None:
        lines = known_lines_at(reader, day)
        asked = {
            "movement__target__site__code": wanted.site,
            "movement__target__organisation__signer__handle": wanted.holder,
            "movement__target__kind": wanted.state,
        }
        lines = lines.filter(**{name: value for name, value in asked.items() if value})
        return chips.filter(pk__in=lines.values("chip_id"))
    if wanted.asks_where or not (reader.is_regulator or wanted.maker == reader.handle):
        where = visible(reader, Holding)
        if wanted.site:
            where = where.filter(account__site__code=wanted.site)
        if wanted.holder:
            where = where.filter(account__organisation__signer__handle=wanted.holder)
        if wanted.state:
            where = where.filter(account__kind=wanted.state)
        chips = chips.filter(pk__in=where.values("pk"))
    return chips
