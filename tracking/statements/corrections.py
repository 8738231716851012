"""Handler of corrections: an organisation says when what it stated earlier really happened."""

from __future__ import annotations

from chipledger.refusals import Refused
from chipledger.statements.tracking import StatementCorrected
from ledger.handlers import Filing, Handler, Verdict, handles
from ledger.models import Statement
from registry.queries.lookups import hold_names
from tracking.actions.corrections import correct_statement
from tracking.queries.corrections import (
    find_original,
    instant_of,
    is_party_to,
    neighbours_of,
    newest_correction,
)
from tracking.rules.corrections import check_instant, check_kind
from tracking.rules.dispatches import check_happened


@handles("statement.corrected")
class Corrected(Handler[StatementCorrected]):
    """The effective instant of one's own earlier statement becomes another; movements stay as they were filed."""

    looks_at_previous = True

    def judge(self, filing: Filing[StatementCorrected]) -> Verdict:
        body = filing.body
        # One correction at a time: two of neighbouring statements could otherwise pass each other.
        hold_names("correction", ["any"])
        original = _own(find_original(body.original), filing)
        check_kind(original.kind)
        newest = newest_correction(original)
        _check_previous(body.previous, None if newest is None else bytes(newest.statement.digest).hex())
        check_happened(body.effective_at, field="effective_at", at=filing.at)
        filed = instant_of(original)
        if filed is None:
            raise Refused(
                "nothing_moved", "This statement moved no chip; name one that did.", field="original"
            )
        before, after = neighbours_of(original)
        present = filed if newest is None else newest.effective_at
        check_instant(body.effective_at, present=present, before=before, after=after)
        return {}

    def apply(self, filing: Filing[StatementCorrected], verdict: Verdict) -> None:
        body = filing.body
        original = find_original(body.original)
        if original is None:
            raise RuntimeError("the statement to be corrected is gone")
        correct_statement(
            original,
            previous=None if body.previous is None else find_original(body.previous),
            effective_at=body.effective_at,
            reason=body.reason,
            by=filing.booked,
            at=filing.at,
        )


def _own(original: Statement | None, filing: Filing[StatementCorrected]) -> Statement:
    """The signer's own statement; a stranger's is refused as one that does not exist."""
    if original is not None and original.signer_id == filing.signer.pk:
        return original
    if original is not None and is_party_to(original, organisation=filing.signer.pk):
        raise Refused(
            "not_your_statement",
            "Only the organisation that signed a statement can correct it; ask them.",
            field="original",
            value=filing.body.original,
            status=403,
        )
    raise Refused(
        "unknown_statement",
        "No statement of yours has this digest; see that it is right.",
        field="original",
        value=filing.body.original,
        status=404,
    )


def _check_previous(named: str | None, newest: str | None) -> None:
    if named != newest:
        raise Refused(
            "stale_previous",
            "This statement was corrected meanwhile; look at it as it stands now, then correct that."
            if newest
            else "This statement was not corrected yet; leave `previous` out.",
            field="previous",
            value=named,
            status=409,
        )
