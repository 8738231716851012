"""What is measured: one module for each figure."""

from __future__ import annotations

from collections.abc import Callable

from bench.figures.evidence import EvidenceOverHttp
from bench.figures.pages import ListPage
from bench.figures.register import Registration, RegistrationMemory
from bench.figures.sweep import WholeSweep
from bench.figures.transfer import HandOver
from bench.harness import Measurement
from tracking.queries.history import View


def _page(listing: str, tiny: bool, view: View | None = None) -> ListPage:
    if tiny:
        return ListPage(listing, view=view, chips=20_000, sites=40, requests=3)
    return ListPage(listing, view=view)


MEASUREMENTS: dict[str, Callable[[bool], Measurement]] = {
    Registration.name: lambda tiny: Registration(chips=200 if tiny else 100_000),
    RegistrationMemory.name: lambda tiny: RegistrationMemory(chips=200 if tiny else 1_000_000),
    HandOver.name: lambda tiny: (
        HandOver(register=500, chips=50) if tiny else HandOver(register=100_000, chips=10_000)
    ),
    EvidenceOverHttp.name: lambda tiny: EvidenceOverHttp(batches=2, items=20) if tiny else EvidenceOverHttp(),
    "page_chips_1m": lambda tiny: _page("chips", tiny),
    "page_chips_as_of_1m": lambda tiny: _page("chips", tiny, View.CORRECTED),
    "page_findings_1m": lambda tiny: _page("findings", tiny),
    "page_transfers_1m": lambda tiny: _page("transfers", tiny),
    WholeSweep.name: lambda tiny: WholeSweep(chips=20_000, sites=40) if tiny else WholeSweep(),
}
"""Each by its name; given whether it is only a rehearsal."""
