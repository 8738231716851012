"""Turning the papers of a plan into statements: chips by name, consignments by the digest of their dispatch."""

from __future__ import annotations

from typing import Final

from chipledger.manifests import Shape
from chipledger.statements.common import MAX_INLINE_CHIPS
from chipledger.statements.registry import ChipsCommissioned, OrganisationAdmitted
from chipledger.statements.tracking import StockOpened, Swap, TransferDispatched
from simulator.drive.desk import Desk
from simulator.drive.opening import welcome
from simulator.drive.signing import public_keys
from simulator.plan.world import Paper, World

ENTRANCES: Final = (ChipsCommissioned, StockOpened)


class Clerk:
    """Files the papers of a world, and remembers which dispatch each consignment left by."""

    def __init__(self, world: World, desk: Desk) -> None:
        self.world = world
        self.desk = desk
        self.dispatches: dict[int, str] = {}

    def file(self, paper: Paper) -> None:
        """Sign and submit one paper; what is in the inbox is booked before anything that may build on it."""
        if paper.body is OrganisationAdmitted:
            welcome(self.world, self.desk, paper.by)
            return
        if paper.body not in ENTRANCES:
            self.desk.catch_up()
        fields = {name: self._fact(name, value) for name, value in paper.facts.items() if value is not None}
        fields |= self._selection(paper)
        if (claimed := fields.pop("claimed", None)) is not None:
            fields["chips"] = claimed
        if paper.consignment is not None:
            if paper.body is TransferDispatched:
                fields["waybill"] = self.world.waybill(paper.consignment)
            else:
                fields["dispatch"] = self.dispatches[paper.consignment]
        outcome = self.desk.file(paper.body, fields, by=paper.by)
        if paper.consignment is not None and paper.body is TransferDispatched:
            self.dispatches[paper.consignment] = outcome.digest.hex()

    def _selection(self, paper: Paper) -> dict[str, object]:
        if not paper.chips:
            return {}
        units = [self.world.units[chip] for chip in paper.chips]
        names = [unit.name for unit in units]
        label = f"{paper.at.isoformat()} {paper.by} {names[0]}"
        if paper.body in ENTRANCES:
            keys = public_keys(self.world.seed, names)
            rows = [(unit.model, unit.serial, key) for unit, key in zip(units, keys, strict=True)]
            return {"manifest": self.desk.upload(paper.by, Shape.COMMISSION, rows, label=label)}
        if len(names) > MAX_INLINE_CHIPS:
            rows_of_chips = [(name,) for name in sorted(names)]
            return {"manifest": self.desk.upload(paper.by, Shape.CHIPS, rows_of_chips, label=label)}
        return {"chips": sorted(names)}

    def _fact(self, name: str, value: object) -> object:
        """A member as the payload has it: numbers of chips become names."""
        if name == "swapped" and isinstance(value, tuple):
            return [Swap(expected=self._name(expected), found=self._name(found)) for expected, found in value]
        if isinstance(value, tuple):
            return [self._name(chip) for chip in value]
        return value

    def _name(self, chip: int | str) -> str:
        """The name of a chip; a serial that somebody misread is its own."""
        return chip if isinstance(chip, str) else self.world.units[chip].name
