"""Statements of the book: who holds which chips, where, and how they changed hands."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from chipledger.statements.common import (
    MAX_INLINE_CHIPS,
    ChipName,
    ChipSelection,
    Code,
    Digest,
    Handle,
    Instant,
    ManifestRef,
    Part,
    Reference,
    SiteCode,
    Statement,
)


class StockOpened(Statement):
    """A holder brings chips into the book that were in the field on day one (manifest of the commission shape)."""

    kind: Literal["stock.opened"] = "stock.opened"
    v: Literal[1] = 1
    maker: Handle
    site: SiteCode
    manifest: ManifestRef


class TransferDispatched(ChipSelection):
    """The sender hands chips over to a consignee, or to another site of its own.

    `authorisation` is the number of the licence or permit that the sender ships under, where it names one.
    """

    kind: Literal["transfer.dispatched"] = "transfer.dispatched"
    v: Literal[1] = 1
    from_site: SiteCode
    consignee: Handle
    to_site: SiteCode
    dispatched_at: Instant
    estimated_arrival: Instant
    carrier: Handle | None = None
    waybill: Reference | None = None
    authorisation: Reference | None = None


class Swap(Part):
    """A serial that was expected, and the one that was found in its place."""

    expected: ChipName
    found: ChipName


Few = Annotated[list[ChipName], Field(max_length=500)]

Why = Literal[
    "not_in_package",
    "package_missing",
    "seal_broken",
    "other_shipment",
    "sent_in_addition",
    "wrong_item",
    "label_mismatch",
    "replaced",
    "damaged_in_transit",
    "does_not_start",
    "unknown",
]
REASONS: Final[dict[str, tuple[Why, ...]]] = {
    "short": ("not_in_package", "package_missing", "seal_broken", "unknown"),
    "over": ("other_shipment", "sent_in_addition", "unknown"),
    "swapped": ("wrong_item", "label_mismatch", "replaced", "unknown"),
    "damaged": ("damaged_in_transit", "seal_broken", "does_not_start", "unknown"),
}
"""Why a chip may be in one of the four sets of the difference, as far as its receiver can tell."""


class Reason(Part):
    """Why a chip was not as dispatched. `chip` is the name in its set; of a swap it is the one found."""

    chip: ChipName
    why: Why


class TransferReceived(Statement):
    """The consignee signs for a dispatch: what it accepts, and the shipper/receiver difference in four sets.

    Exactly one of `accepted_all` (everything expected that is named in no other set), `accepted` and `manifest`
    says what is taken over. `damaged` chips are taken over too; `over` and `swapped.found` are claims that move
    nothing. `reasons` says of chips in the four sets why, as far as the consignee can tell.
    """

    kind: Literal["transfer.received"] = "transfer.received"
    v: Literal[1] = 1
    dispatch: Digest
    received_at: Instant
    accepted_all: bool = False
    accepted: Few | None = None
    manifest: ManifestRef | None = None
    short: Few = []
    over: Few = []
    swapped: Annotated[list[Swap], Field(max_length=500)] = []
    damaged: Few = []
    reasons: Annotated[list[Reason], Field(max_length=2000)] = []

    @model_validator(mode="after")
    def _sets_do_not_overlap(self) -> Self:
        if (self.accepted_all, self.accepted is not None, self.manifest is not None).count(True) != 1:
            raise ValueError(
                "Say what is accepted by exactly one of `accepted_all`, `accepted` and `manifest`."
            )
        named = [
            *(self.accepted or []),
            *self.short,
            *self.damaged,
            *(swap.expected for swap in self.swapped),
        ]
        claimed = [*self.over, *(swap.found for swap in self.swapped)]
        if len(set(named)) != len(named) or len(set(claimed)) != len(claimed) or set(named) & set(claimed):
            raise ValueError("A chip is named in more than one of the five sets; name it in one.")
        return self

    @model_validator(mode="after")
    def _reasons_fit(self) -> Self:
        sets = {
            **dict.fromkeys(self.short, "short"),
            **dict.fromkeys(self.over, "over"),
            **dict.fromkeys((swap.found for swap in self.swapped), "swapped"),
            **dict.fromkeys(self.damaged, "damaged"),
        }
        for reason in self.reasons:
            kind = sets.pop(reason.chip, None)
            if kind is None:
                raise ValueError(
                    f"{reason.chip} has a reason, but is in none of the four sets, or has two; give it at most one."
                )
            if reason.why not in REASONS[kind]:
                raise ValueError(
                    f"`{reason.why}` is no reason for {reason.chip}, which is {kind}; "
                    f"choose from {', '.join(REASONS[kind])}."
                )
        return self


class TransferSettled(ChipSelection):
    """How a difference ends: the chips came later, went back, were dispatched by paper after the fact, or are lost."""

    kind: Literal["transfer.settled"] = "transfer.settled"
    v: Literal[1] = 1
    dispatch: Digest
    outcome: Literal["later_receipt", "return", "supplementary_dispatch", "loss"]
    reason: Code


class TransferVoided(Statement):
    """The sender takes back what is still under way, with a reason; the chips return to where they left from."""

    kind: Literal["transfer.voided"] = "transfer.voided"
    v: Literal[1] = 1
    dispatch: Digest
    reason: Code


class ChipsAtSite(ChipSelection):
    """A statement of the holder about chips at one of its sites."""

    site: SiteCode
    happened_at: Instant


class ChipsInstalled(ChipsAtSite):
    """Chips went from storage into service. Placement changes; the account does not."""

    kind: Literal["chips.installed"] = "chips.installed"
    v: Literal[1] = 1


class ChipsRemoved(ChipsAtSite):
    """Chips went from service into storage."""

    kind: Literal["chips.removed"] = "chips.removed"
    v: Literal[1] = 1


class ChipsLost(ChipsAtSite):
    """The holder cannot find chips. They stay unaccounted for, and its own, until recovered."""

    kind: Literal["chips.lost"] = "chips.lost"
    v: Literal[1] = 1
    reason: Code


class ChipsStolen(ChipsAtSite):
    """Chips were stolen; the report number is the police's."""

    kind: Literal["chips.stolen"] = "chips.stolen"
    v: Literal[1] = 1
    report: Reference


class ChipsRecovered(ChipsAtSite):
    """Lost or stolen chips are back with the holder who answers for them, at `site`."""

    kind: Literal["chips.recovered"] = "chips.recovered"
    v: Literal[1] = 1
    reason: Code


class ChipsRetired(ChipsAtSite):
    """Chips are out of use for good; they count until their destruction is certified."""

    kind: Literal["chips.retired"] = "chips.retired"
    v: Literal[1] = 1
    reason: Code


class ChipsDestroyed(ChipSelection):
    """Retired chips no longer exist; `certificate` is the SHA-256 of the destroyer's certificate."""

    kind: Literal["chips.destroyed"] = "chips.destroyed"
    v: Literal[1] = 1
    happened_at: Instant
    certificate: Digest


class StockCounted(ChipSelection):
    """The holder has counted one of its sites: these chips were found there at `counted_at`, and no others.

    It is a claim and moves nothing. A chip that the book does not know, or has elsewhere, may be named like any other;
    an empty list says that the site was found empty.
    """

    kind: Literal["stock.counted"] = "stock.counted"
    v: Literal[1] = 1
    site: SiteCode
    counted_at: Instant
    method: Literal["scan", "file", "attestations"]
    chips: Annotated[list[ChipName], Field(max_length=MAX_INLINE_CHIPS)] | None = None


class StatementCorrected(Statement):
    """The signer of an earlier statement says when what it is about really happened; everything else in it stands.

    `original` is the digest of that statement, and `previous` that of its newest correction, absent for the first.
    """

    kind: Literal["statement.corrected"] = "statement.corrected"
    v: Literal[1] = 1
    original: Digest
    effective_at: Instant
    reason: Literal["typed_wrong", "clock_was_wrong", "learned_later"]
