"""An organisation's own chips by what they have in common, for a paper about them."""

from __future__ import annotations

from dataclasses import dataclass

from chipledger.manifests import MAX_ROWS
from chipledger.refusals import Refused
from registry.access import Reader, visible
from registry.models import ChipModel
from tracking.models import AccountKind, Holding
from tracking.queries.holdings import own_holdings
from tracking.rules.transitions import CHANGES

PLACEMENTS = {"installed": "in service", "stored": "in storage"}


@dataclass(frozen=True)
class Wanted:
    """What the chips have in common; empty text and None mean no matter."""

    site: str = ""
    model: str = ""
    prefix: str = ""
    placement: str = ""
    first: int | None = None

    @property
    def words(self) -> str:
        """The filter as the page repeats it."""
        said = [
            f"the first {self.first:,}" if self.first else "all",
            f"at {self.site}" if self.site else "",
            f"of model {self.model}" if self.model else "",
            f"whose serial begins with {self.prefix}" if self.prefix else "",
            PLACEMENTS.get(self.placement, ""),
        ]
        return ", ".join(part for part in said if part)


def too_many_chips(*, field: str, status: int = 422) -> Refused:
    """The refusal of more chips than a manifest has rows."""
    return Refused(
        "too_many_chips",
        f"At most {MAX_ROWS:,} chips fit in one paper; take fewer.",
        field=field,
        status=status,
    )


def accounts_for(kind: str) -> frozenset[AccountKind]:
    """The kinds of account that a statement of this kind takes chips from."""
    change = CHANGES.get(kind)
    return frozenset({AccountKind.ON_HAND}) if change is None else change.sources


def names_of(wanted: Wanted, *, kind: str, by: Reader) -> list[str]:
    """The reader's own chips that fit, as `maker/serial` in the order of their names."""
    held = own_holdings(by, kinds=accounts_for(kind))
    if wanted.site:
        held = held.filter(account__site__code=wanted.site)
    if wanted.model:
        held = held.filter(model__code=wanted.model)
    if wanted.prefix:
        held = held.filter(chip__serial__startswith=wanted.prefix)
    if wanted.placement:
        held = held.filter(installed_at__isnull=wanted.placement == "stored")
    pairs = held.order_by("chip__maker__signer__handle", "chip__serial").values_list(
        "chip__maker__signer__handle", "chip__serial"
    )[: wanted.first or MAX_ROWS + 1]
    names = [f"{maker}/{serial}" for maker, serial in pairs]
    if len(names) > MAX_ROWS:
        raise too_many_chips(field="first")
    return names


def models_held(reader: Reader) -> list[tuple[str, str]]:
    """The models of which the reader's organisation holds chips, as choices."""
    held = Holding.objects.filter(account__organisation=reader.organisation)
    found = visible(reader, ChipModel).filter(pk__in=held.order_by().values("model").distinct())
    return [(model.code, f"{model.name} ({model.code})") for model in found.order_by("name", "pk")]
