"""What a statement says, in words: a title, one sentence, and its facts. Handles and codes stand as they are signed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.urls import reverse

from chipledger.statements.common import ChipSelection, ManifestRef, Statement
from chipledger.statements.registry import ChipsCommissioned
from chipledger.statements.tracking import (
    ChipsAtSite,
    ChipsDestroyed,
    Reason,
    StatementCorrected,
    StockCounted,
    StockOpened,
    TransferDispatched,
    TransferReceived,
    TransferSettled,
    TransferVoided,
)
from portal.papers.audits import describe_audit
from portal.papers.register import REGISTER_WORDS
from portal.papers.wording import Words, chips, when
from web.components import Fact, FactKind

VERBS = {
    "chips.installed": "has put into service",
    "chips.removed": "has taken out of service",
    "chips.lost": "cannot find",
    "chips.stolen": "reports as stolen",
    "chips.recovered": "has recovered",
    "chips.retired": "has retired",
    "chips.destroyed": "certifies the destruction of",
}


def describe(body: Statement) -> Words:
    """What this statement says. Kinds without words of their own are shown by their members."""
    who = body.signers[0].organisation
    for kind, words in _WORDS.items():
        if isinstance(body, kind):
            return words(body, who)
    title, sentence, facts = describe_audit(body, who)
    return Words(title, sentence, tuple(facts))


def _manifest(reference: ManifestRef) -> tuple[Fact, ...]:
    return (
        Fact("Rows", reference.rows, kind=FactKind.NUMBER),
        Fact("File SHA-256", reference.sha256, kind=FactKind.DIGEST),
        Fact("File size", f"{reference.size:,} bytes"),
        Fact("Rows root", reference.rows_root, kind=FactKind.DIGEST),
    )


def _selected(body: ChipSelection) -> tuple[tuple[str, ...], int, tuple[Fact, ...]]:
    if body.manifest is not None:
        return (), body.manifest.rows, _manifest(body.manifest)
    named = tuple(body.chips or ())
    return named, len(named), ()


def _commissioned(body: ChipsCommissioned, who: str) -> Words:
    rows = body.manifest.rows
    return Words(
        f"Registration of {chips(rows)} by {who}",
        f"{who} brings {chips(rows)} into the book at its site {body.site}, each by model, serial and device key, "
        "and answers for them from now on.",
        (Fact("Site", body.site), *_manifest(body.manifest)),
        total=rows,
    )


def _opened(body: StockOpened, who: str) -> Words:
    rows = body.manifest.rows
    return Words(
        f"Opening stock of {chips(rows)} by {who}",
        f"{who} brings {chips(rows)} made by {body.maker} into the book that were in the field "
        f"on day one, at {body.site}.",
        (Fact("Maker", body.maker), Fact("Site", body.site), *_manifest(body.manifest)),
        total=rows,
    )


def _dispatched(body: TransferDispatched, who: str) -> Words:
    named, total, facts = _selected(body)
    return Words(
        f"Dispatch of {chips(total)} to {body.consignee}",
        f"{who} hands over {chips(total)} at {body.from_site} to {body.consignee}, bound for {body.to_site}, "
        f"and answers for them until {body.consignee} signs for their receipt.",
        (
            Fact("From", f"{who}, {body.from_site}"),
            Fact("To", f"{body.consignee}, {body.to_site}"),
            when("Dispatched", body.dispatched_at),
            when("Estimated arrival", body.estimated_arrival),
            *([Fact("Carrier", body.carrier)] if body.carrier else []),
            *([Fact("Waybill", body.waybill, kind=FactKind.SERIAL)] if body.waybill else []),
            *([Fact("Authorisation", body.authorisation)] if body.authorisation else []),
            *facts,
        ),
        named,
        total,
    )


def _received(body: TransferReceived, who: str) -> Words:
    accepted = "all that is not named below" if body.accepted_all else ""
    taken = body.accepted or []
    if body.manifest is not None:
        accepted = f"{body.manifest.rows:,}"
    sets = {"Short": body.short, "Over": body.over, "Damaged": body.damaged}
    swapped = [f"{swap.expected} → {swap.found}" for swap in body.swapped]
    different = sum(map(len, sets.values())) + len(swapped)
    end = (
        "without a difference" if not different else f"with {different:,} difference" + "s" * (different > 1)
    )
    return Words(
        f"Receipt by {who}, {end}",
        f"{who} signs for the dispatch {body.dispatch[:12]}…: it takes over what it accepts and what arrived damaged. "
        "What is short stays with the sender; what is over or swapped is a claim and moves nothing.",
        (
            Fact("Dispatch", body.dispatch, kind=FactKind.DIGEST),
            when("Received", body.received_at),
            Fact("Taken over", accepted or len(taken), kind=FactKind.TEXT if accepted else FactKind.NUMBER),
            *(Fact(term, ", ".join(names)) for term, names in sets.items() if names),
            *([Fact("Swapped", ", ".join(swapped))] if swapped else []),
            *([Fact("Reasons", "; ".join(_reason(each) for each in body.reasons))] if body.reasons else []),
            *(_manifest(body.manifest) if body.manifest else ()),
        ),
        tuple(taken),
        len(taken) or None,
    )


def _reason(reason: Reason) -> str:
    return f"{reason.chip}: {reason.why.replace('_', ' ')}"


def _settled(body: TransferSettled, who: str) -> Words:
    named, total, facts = _selected(body)
    outcome = body.outcome.replace("_", " ")
    return Words(
        f"Settlement of {chips(total)}: {outcome}",
        f"{who} settles the difference about {chips(total)} of the dispatch {body.dispatch[:12]}…: {outcome}.",
        (Fact("Dispatch", body.dispatch, kind=FactKind.DIGEST), Fact("Reason", body.reason), *facts),
        named,
        total,
    )


def _voided(body: TransferVoided, who: str) -> Words:
    return Words(
        "Voiding of a transfer",
        f"{who} takes back what is still under way of the dispatch {body.dispatch[:12]}….",
        (Fact("Dispatch", body.dispatch, kind=FactKind.DIGEST), Fact("Reason", body.reason)),
    )


def _at_site(body: ChipsAtSite, who: str) -> Words:
    named, total, facts = _selected(body)
    said = [
        Fact(name.title(), str(value))
        for name in ("reason", "report")
        if (value := getattr(body, name, None))
    ]
    return Words(
        f"{body.kind.partition('.')[2].capitalize()}: {chips(total)}",
        f"{who} {VERBS[body.kind]} {chips(total)} at {body.site}.",
        (Fact("Site", body.site), when("Happened", body.happened_at), *said, *facts),
        named,
        total,
    )


def _destroyed(body: ChipsDestroyed, who: str) -> Words:
    named, total, facts = _selected(body)
    return Words(
        f"Destroyed: {chips(total)}",
        f"{who} {VERBS[body.kind]} {chips(total)}.",
        (
            when("Happened", body.happened_at),
            Fact("Certificate", body.certificate, kind=FactKind.DIGEST),
            *facts,
        ),
        named,
        total,
    )


METHODS = {
    "scan": "scanned or read, one by one",
    "file": "a file",
    "attestations": "chips that had just attested there",
}


def _counted(body: StockCounted, who: str) -> Words:
    named, total, facts = _selected(body)
    return Words(
        f"Count of {body.site} by {who}: {chips(total)} found",
        f"{who} has counted its site {body.site} and found {chips(total)} there, and no others. This moves nothing; "
        "it must explain what differs from the book.",
        (
            Fact("Site", body.site),
            when("Counted", body.counted_at),
            Fact("Counted by", METHODS[body.method]),
            *facts,
        ),
        named,
        total,
    )


def _corrected(body: StatementCorrected, who: str) -> Words:
    return Words(
        f"Correction by {who}",
        f"{who} corrects when its statement {body.original[:12]}… took effect. Everything else in it stands, and the "
        "statement itself stays in the book as it was filed.",
        (
            Fact(
                "Corrects",
                body.original,
                kind=FactKind.DIGEST,
                url=reverse("statement", args=[body.original]),
            ),
            when("Took effect", body.effective_at),
            Fact("Reason", body.reason.replace("_", " ").capitalize()),
            *([Fact("Correction before", body.previous, kind=FactKind.DIGEST)] if body.previous else []),
        ),
    )


_WORDS: dict[Any, Callable[[Any, str], Words]] = {
    **REGISTER_WORDS,
    ChipsCommissioned: _commissioned,
    StockOpened: _opened,
    TransferDispatched: _dispatched,
    TransferReceived: _received,
    TransferSettled: _settled,
    TransferVoided: _voided,
    StockCounted: _counted,
    ChipsAtSite: _at_site,
    ChipsDestroyed: _destroyed,
    StatementCorrected: _corrected,
}
