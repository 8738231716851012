"""Papers of counts: what was found at a site, frozen with what the book had there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from chipledger.refusals import Refused
from chipledger.statements.common import format_instant
from ledger.models import Key
from portal import selections
from portal.actions.batches import keep_chips
from portal.actions.drafts import prepare_draft
from portal.models import Draft
from registry.access import Reader, check_role
from registry.models import Role, Site


def prepare_count(
    site: Site,
    found: selections.Comparison,
    *,
    counted_at: datetime,
    method: str,
    nothing_found: bool,
    keys: Sequence[Key],
    by: Reader,
    at: datetime,
) -> Draft:
    """The paper of a count. That nothing was found must be said, so that nobody signs an empty list by mistake."""
    check_role(by, Role.PREPARER)
    names = sorted({*found.accepted, *found.over})
    if not names and not nothing_found:
        raise Refused(
            "nothing_named", "Name the chips that were found, or say that nothing was found.", field="found"
        )
    if names and nothing_found:
        raise Refused(
            "names_and_nothing",
            "Chips are named, so something was found; take away the chips or the tick.",
            field="nothing_found",
        )
    selections.check_names(
        found.over, "This serial is not expected here; name the chip as maker/serial.", by=by
    )
    fields: dict[str, object] = {
        "site": site.code,
        "counted_at": format_instant(counted_at),
        "method": method,
    }
    if len(names) <= selections.INLINE:
        fields["chips"] = names
    else:
        fields["manifest"] = keep_chips(names, by.organisation.signer, at=at).model_dump(mode="json")
    notes = {"Against the book": f"{len(found.short):,} not found, {len(found.over):,} not expected"}
    return prepare_draft("stock.counted", fields, keys=keys, by=by, at=at, notes=notes)


def check_attested(names: Sequence[str], attested: Sequence[str]) -> None:
    """Refuse a count "by attestations" of chips that did not attest here freshly."""
    silent = sorted(set(names) - set(attested))
    if silent:
        raise Refused(
            "not_attested",
            f"{len(silent):,} of these chips, {silent[0]} first, did not attest here within the cadence. Say that you "
            "counted by scanner or file, or take the chips from fresh attestations again.",
            field="method",
            value=silent[0],
        )
