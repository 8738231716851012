"""Statements of those who audit: policies, and what becomes of a finding."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from chipledger.statements.common import Code, Country, Digest, Instant, Label, Part, Statement


class Threshold(Part):
    """A line that a cluster must not cross unseen. The comparison is strict: at the line is not above it."""

    measure: Literal["tpp", "fp16_gflops", "memory_mb"]
    above: Annotated[int, Field(ge=1, le=2**53 - 1)]


class PolicyPublished(Statement):
    """A regulator puts a policy in force: the clusters it watches, and where the line is."""

    kind: Literal["policy.published"] = "policy.published"
    v: Literal[1] = 1
    code: Code
    title: Label
    source: Label
    countries: Annotated[list[Country], Field(max_length=250)]
    grouping: Literal["site", "owner"]
    networked_above_mbit_s: Annotated[int, Field(ge=1, le=10**10)] | None = None
    thresholds: Annotated[list[Threshold], Field(min_length=1, max_length=8)]
    effective_from: Instant
    effective_until: Instant | None = None


class FindingExplained(Statement):
    """The party that must explain a finding does so, with a root cause; words and documents stay outside the payload.

    `text_sha256` and `attachments` name them by SHA-256 of a salt followed by the content, so that what is erased
    cannot be guessed from its hash. They are uploaded before.
    """

    kind: Literal["finding.explained"] = "finding.explained"
    v: Literal[1] = 1
    finding: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    root_cause: Literal[
        "missing_upload",
        "scanner_error",
        "manual_entry",
        "late_filing",
        "mis_shipment",
        "relabelled",
        "genuine_loss",
        "suspected_diversion",
    ]
    text_sha256: Digest | None = None
    attachments: Annotated[list[Digest], Field(max_length=8)] = []

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        if len(set(self.attached())) != len(self.attached()):
            raise ValueError("The same attachment is named twice; name it once.")
        return self

    def attached(self) -> list[str]:
        """Everything that lies outside the payload, the words first."""
        return [*([self.text_sha256] if self.text_sha256 else []), *self.attachments]


class FindingDecided(Statement):
    """A regulator decides a finding: resolved, confirmed as a breach, or a false alarm that counts against the rule."""

    kind: Literal["finding.decided"] = "finding.decided"
    v: Literal[1] = 1
    finding: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    decision: Literal["resolved", "confirmed", "false_alarm"]
    reason: Code
