"""Freezing the chips that a paper will be about, before the rest of it is said."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from chipledger.refusals import Refused
from portal import selections
from portal.actions.batches import keep_chips
from portal.models import Selection
from registry.access import Reader, check_role
from registry.models import Role

LIFETIME: Final = timedelta(days=1)
"""How long chosen chips wait for the rest of their paper."""


def freeze_selection(
    names: Sequence[str], *, kind: str, how: str, site: str = "", by: Reader, at: datetime
) -> Selection:
    """Keep these chips for a paper of this kind. Serials alone are completed; expired selections are swept away."""
    check_role(by, Role.PREPARER)
    whole = selections.complete_names(names, selections.own_chips(by, names, kind=kind))
    if not whole:
        raise Refused("no_chips", "Name at least one chip, or widen the filter.", field="chips")
    selections.check_names(
        whole, "Name a chip as maker/serial; no single chip of yours carries this serial there.", by=by
    )
    chips = sorted(set(whole))
    text = "\n".join(chips)
    Selection.objects.filter(organisation=by.organisation, expires_at__lte=at).delete()
    return Selection.objects.create(
        organisation=by.organisation,
        chosen_by=by.person,
        kind=kind,
        how=how[:200],
        site=site,
        names=text,
        count=len(chips),
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        chosen_at=at,
        expires_at=at + LIFETIME,
    )


def chips_of(selection: Selection, *, by: Reader, at: datetime) -> dict[str, object]:
    """The member of a statement that names the frozen chips: a short list, or a manifest."""
    chips = selection.names.split("\n")
    if len(chips) <= selections.INLINE:
        return {"chips": chips}
    return {"manifest": keep_chips(chips, by.organisation.signer, at=at).model_dump(mode="json")}
