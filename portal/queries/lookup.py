"""What is known of a list of serials: one answer a line, in a fixed number of queries however long the list is.

Everything is asked through what the reader may see, so that a stranger's chip and one that does not exist answer alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from attestations.models import IdentityGrade, PlaceGrade, Sighting
from audits.models import Finding
from audits.rules import RULE_OF
from ledger.models import SignerKind, Statement
from registry.access import Reader, visible
from registry.models import Chip, Organisation
from tracking.models import Holding, Movement
from tracking.queries.holdings import placements
from web.exports import cell

HEADER = (
    *("asked", "answer", "chip", "model", "holder", "account", "site", "since"),
    *("statement", "log_position", "last_seen", "open_findings"),
)


class Known(StrEnum):
    """What can be said of a line, in the words of the page."""

    ONE = "known"
    SEVERAL = "several makers use this serial"
    NONE = "not known to you"


@dataclass(frozen=True)
class Source:
    """The statement by which somebody answers for a chip; ``position`` is None until it is integrated."""

    digest: str
    position: int | None


@dataclass(frozen=True)
class Answer:
    """One line of the list, and what the reader may know of it. ``chips`` are the makers' that carry this serial."""

    asked: str
    chips: tuple[Chip, ...]
    holding: Holding | None = None
    source: Source | None = None
    sightings: tuple[Sighting, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def known(self) -> Known:
        return Known.NONE if not self.chips else Known.ONE if len(self.chips) == 1 else Known.SEVERAL

    @property
    def chip(self) -> Chip | None:
        """The chip, where the line means exactly one."""
        return self.chips[0] if len(self.chips) == 1 else None

    @property
    def seen(self) -> list[tuple[Sighting, str]]:
        """The latest sighting of each grade of identity, the strongest first, with both grades in words."""
        return [(sighting, grades_of(sighting)) for sighting in self.sightings]

    @property
    def named_findings(self) -> list[tuple[Finding, str]]:
        """The open findings with what their rule is called."""
        return [(finding, RULE_OF[finding.rule].title) for finding in self.findings]

    def cells(self) -> tuple[object, ...]:
        """The line as a row of an export, under ``HEADER``."""
        where: tuple[object, ...] = ("", "", "", "")
        if self.holding is not None:
            account = self.holding.account
            where = (
                account.organisation.signer.handle,
                account.kind,
                account.site.code,
                self.holding.since,
            )
        return (
            self.asked,
            self.known,
            " ".join(chip.name for chip in self.chips),
            self.chip.model.code if self.chip else "",
            *where,
            self.source.digest if self.source else "",
            self.source.position if self.source else None,
            "; ".join(
                f"{cell(sighting.seen_at)} {words} at {sighting.site.code}" for sighting, words in self.seen
            ),
            " ".join(f"{finding.rule}:{finding.uid}" for finding in self.findings),
        )


def grades_of(sighting: Sighting) -> str:
    """How surely it was this chip, and how surely there."""
    identity = IdentityGrade(sighting.identity).label.lower()
    return f"identity by {identity}, place by {PlaceGrade(sighting.place).label.lower()}"


def look_up(names: Sequence[str], *, reader: Reader) -> list[Answer]:
    """An answer for each name (`maker/serial`, or a serial alone), in the order given."""
    found: dict[str, list[Chip]] = defaultdict(list)
    serials = {name.rpartition("/")[2] for name in names}
    # The index of serials begins with the maker.
    makers = Organisation.objects.filter(signer__kind=SignerKind.MANUFACTURER).values("pk")
    chips = visible(reader, Chip).filter(maker_id__in=makers, serial__in=serials)
    for chip in chips.select_related("maker__signer", "model").order_by("maker__signer__handle"):
        found[chip.serial].append(chip)
        found[chip.name].append(chip)
    meant = {chip.pk: chip for name in names for chip in found.get(name, ()) if len(found[name]) == 1}
    places = placements(meant.values(), reader=reader)
    sources = _sources([holding.movement_id for holding in places.values()], reader)
    sightings: dict[int, list[Sighting]] = defaultdict(list)
    seen = visible(reader, Sighting).select_related("site").filter(chip_id__in=meant)
    for sighting in seen.order_by("chip_id", "-identity"):
        sightings[sighting.chip_id].append(sighting)
    findings: dict[int, list[Finding]] = defaultdict(list)
    open_ones = visible(reader, Finding).filter(chip_id__in=meant, closed_at__isnull=True)
    for finding in open_ones.order_by("-severity", "pk"):
        if finding.chip_id is not None:
            findings[finding.chip_id].append(finding)
    answers = []
    for name in names:
        candidates = tuple(found.get(name, ()))
        if len(candidates) != 1:
            answers.append(Answer(name, candidates))
            continue
        number = candidates[0].pk
        holding = places.get(number)
        source = sources.get(holding.movement_id) if holding else None
        answers.append(
            Answer(name, candidates, holding, source, tuple(sightings[number]), tuple(findings[number]))
        )
    return answers


def _sources(movements: Sequence[int], reader: Reader) -> dict[int, Source]:
    """The statements behind these movements that the reader may open, by the number of the movement."""
    behind = dict(visible(reader, Movement).filter(pk__in=movements).values_list("pk", "statement_id"))
    statements = visible(reader, Statement).filter(pk__in=set(behind.values()))
    rows = statements.values_list("pk", "digest", "entry__position")
    found = {number: Source(bytes(digest).hex(), position) for number, digest, position in rows}
    return {movement: found[number] for movement, number in behind.items() if number in found}
