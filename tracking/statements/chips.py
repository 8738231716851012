"""Handlers of what a holder says of its own chips: installed, removed, lost, stolen, recovered, retired, destroyed."""

from __future__ import annotations

from typing import TypeVar

from chipledger.statements.tracking import (
    ChipsAtSite,
    ChipsDestroyed,
    ChipsInstalled,
    ChipsLost,
    ChipsRecovered,
    ChipsRemoved,
    ChipsRetired,
    ChipsStolen,
)
from ledger.handlers import Filing, Handler, Verdict, handles
from registry.models import Site
from tracking.actions.custody import lock_own_chips
from tracking.actions.movements import Place, move
from tracking.actions.placements import install, take_out
from tracking.actions.staging import STAGED, stage_holdings
from tracking.rules.dispatches import check_happened, check_own_site
from tracking.rules.transitions import CHANGES

C = TypeVar("C", bound=ChipsAtSite)
SITE_OF_THE_RETURN = "chips.recovered"


class AtSite(Handler[C]):
    """A change of account or placement of the signer's own chips at one of its sites."""

    def stage(self, filing: Filing[C]) -> None:
        stage_holdings(filing)

    def judge(self, filing: Filing[C]) -> Verdict:
        body = filing.body
        check_happened(body.happened_at, field="happened_at", at=filing.at)
        named = Site.objects.filter(code=body.site).first()
        site = check_own_site(named, by=filing.signer.pk, field="site", code=body.site)
        # What is recovered comes to `site`; wherever it was lost from is of no matter.
        where = None if body.kind == SITE_OF_THE_RETURN else site
        installed = {"chips.installed": False, "chips.removed": True}.get(body.kind)
        lock_own_chips(filing, kinds=CHANGES[body.kind].sources, site=where, installed=installed)
        return {}

    def apply(self, filing: Filing[C], verdict: Verdict) -> None:
        body = filing.body
        change = CHANGES[body.kind]
        if body.kind == "chips.installed":
            install(happened_at=body.happened_at)
        elif body.kind == "chips.removed":
            take_out(recorded_at=filing.at)
        if change.movement is None:
            return
        site = Site.objects.get(code=body.site)
        to = Place(change.target, filing.signer.pk, site.pk)
        move(filing, change.movement, chips=STAGED, to=to, transfer=None, effective_at=body.happened_at)


@handles("chips.installed")
class Installed(AtSite[ChipsInstalled]):
    """Chips are in service from `happened_at` on."""


@handles("chips.removed")
class Removed(AtSite[ChipsRemoved]):
    """Chips are back in storage."""


@handles("chips.lost")
class Lost(AtSite[ChipsLost]):
    """Chips cannot be found; they stay the holder's to answer for."""


@handles("chips.stolen")
class Stolen(AtSite[ChipsStolen]):
    """Chips were stolen; they stay the holder's to answer for."""


@handles("chips.recovered")
class Recovered(AtSite[ChipsRecovered]):
    """Lost or stolen chips are on hand again."""


@handles("chips.retired")
class Retired(AtSite[ChipsRetired]):
    """Chips are out of use for good."""


@handles("chips.destroyed")
class Destroyed(Handler[ChipsDestroyed]):
    """Retired chips no longer exist."""

    def stage(self, filing: Filing[ChipsDestroyed]) -> None:
        stage_holdings(filing)

    def judge(self, filing: Filing[ChipsDestroyed]) -> Verdict:
        check_happened(filing.body.happened_at, field="happened_at", at=filing.at)
        lock_own_chips(filing, kinds=CHANGES["chips.destroyed"].sources, site=None)
        return {}

    def apply(self, filing: Filing[ChipsDestroyed], verdict: Verdict) -> None:
        change = CHANGES["chips.destroyed"]
        if change.movement is None:
            raise RuntimeError("destroying chips moves them")
        to = Place(change.target, filing.signer.pk, None)
        move(
            filing, change.movement, chips=STAGED, to=to, transfer=None, effective_at=filing.body.happened_at
        )
