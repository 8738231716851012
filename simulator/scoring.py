"""Planted against found: how much of the ground truth the rules saw in time, and how much of what they said was true.

The planted unit is an event. It is *found* when its own rule opened a finding within the event's deadline: on at least
half of its chips, on its transfer, or on one of its clusters. *Precision* is the part of the findings of severity 4 and
5 that are about an event. True findings about something else are counted apart, and against it all the same: clusters
that nobody planted but that stand above a line by the plan's own arithmetic (*covered*), and honest things that did
happen (late paper, a scanner's error, an outage).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from audits.models import Finding
from audits.rules import RULE_OF
from simulator.ground_truth import Honest, Planted, Truth
from simulator.plan.truth import Kind

GRAVE: Final = 4
"""From this severity on, a finding calls for somebody to go and look."""


@dataclass(frozen=True)
class Found:
    """A finding as the scoring sees it."""

    rule: str
    severity: int
    opened_at: datetime
    chip: str | None
    waybill: str | None
    cluster: str | None
    site: str | None


@dataclass
class RuleScore:
    """One rule against the events planted for it."""

    planted: int = 0
    found: int = 0
    intensities: list[int] = field(default_factory=list)
    missed: list[int] = field(default_factory=list)
    findings: int = 0
    grave: int = 0
    about_events: int = 0
    covered: int = 0
    honest: int = 0


@dataclass
class Score:
    """The whole account of one world."""

    seed: int
    chips: int
    rules: dict[str, RuleScore]
    missed: list[Planted]
    wrong: list[Found]
    covered: int
    covered_found: int

    @property
    def planted(self) -> int:
        return sum(rule.planted for rule in self.rules.values())

    @property
    def found(self) -> int:
        return sum(rule.found for rule in self.rules.values())

    @property
    def recall(self) -> float:
        return self.found / self.planted if self.planted else 1.0

    @property
    def grave(self) -> int:
        return sum(rule.grave for rule in self.rules.values())

    @property
    def precision(self) -> float:
        """Of all grave findings, those about a planted event."""
        return self.about_events / self.grave if self.grave else 1.0

    @property
    def about_events(self) -> int:
        return sum(rule.about_events for rule in self.rules.values())

    @property
    def grave_covered(self) -> int:
        """Grave findings about clusters that nobody planted, and that the law covers all the same."""
        return sum(rule.covered for rule in self.rules.values())

    @property
    def honest(self) -> int:
        """Grave findings that are true, about something honest."""
        return sum(rule.honest for rule in self.rules.values())


def read_findings() -> list[Found]:
    """Every finding that any sweep ever opened."""
    rows = Finding.objects.values_list(
        "rule", "severity", "opened_at", "subject", "transfer__waybill", "site__code"
    )
    found = []
    for rule, severity, opened_at, subject, waybill, site in rows.iterator(chunk_size=5000):
        what, _, name = subject.partition(":")
        chip = name if what == "chip" else None
        cluster = name.partition(":")[2] if what == "cluster" else None
        found.append(Found(rule, severity, opened_at, chip, waybill, cluster, site))
    return found


def score(truth: Truth, findings: Sequence[Found]) -> Score:
    """Compare what was planted with what was found."""
    subjects = _Subjects(findings)
    rules = {code: RuleScore() for code in RULE_OF}
    missed = []
    for event in truth.planted:
        mine = rules[event.kind]
        mine.planted += 1
        mine.intensities.append(event.intensity)
        if subjects.shows(event):
            mine.found += 1
        else:
            mine.missed.append(event.intensity)
            missed.append(event)
    about = _Events(truth.planted)
    covered = {above.key: above.since for above in truth.covered}
    reported = {finding.cluster for finding in findings if finding.rule == Kind.THRESHOLD_EXCEEDED}
    wrong = []
    for finding in findings:
        mine = rules[finding.rule]
        mine.findings += 1
        if finding.severity < GRAVE:
            continue
        mine.grave += 1
        if about.explain(finding):
            mine.about_events += 1
        elif finding.cluster in covered and finding.opened_at >= covered[finding.cluster]:
            mine.covered += 1
        elif is_honest(finding, truth.honest):
            mine.honest += 1
        else:
            wrong.append(finding)
    return Score(truth.seed, truth.chips, rules, missed, wrong, len(covered), len(reported & covered.keys()))


def is_honest(finding: Found, honest: Iterable[Honest]) -> bool:
    """Whether a finding is a true report of something honest."""
    return any(
        finding.rule in each.rules
        and finding.opened_at >= each.began_at
        and (
            (each.waybill is not None and each.waybill == finding.waybill)
            or (each.site is not None and each.site == finding.site)
        )
        for each in honest
    )


class _Subjects:
    """Findings by what they are about."""

    def __init__(self, findings: Iterable[Found]) -> None:
        self._opened: dict[tuple[str, str], list[datetime]] = defaultdict(list)
        for finding in findings:
            for subject in (finding.chip, finding.waybill, finding.cluster):
                if subject is not None:
                    self._opened[(finding.rule, subject)].append(finding.opened_at)

    def shows(self, event: Planted) -> bool:
        """Whether the event's own rule spoke of it in time."""
        if event.clusters:
            return any(self._in_time(event, cluster) for cluster in event.clusters)
        if event.waybill is not None:
            return self._in_time(event, event.waybill)
        seen = sum(self._in_time(event, chip) for chip in event.chips)
        return 2 * seen >= len(event.chips)

    def _in_time(self, event: Planted, subject: str) -> bool:
        opened = self._opened.get((event.kind, subject), [])
        return any(event.began_at <= at <= event.deadline for at in opened)


class _Events:
    """Events by what may be said about them."""

    def __init__(self, planted: Iterable[Planted]) -> None:
        self._about: dict[str, list[Planted]] = defaultdict(list)
        for event in planted:
            subjects = [*event.clusters, *event.chips, *([event.waybill] if event.waybill else [])]
            for subject in subjects:
                self._about[subject].append(event)

    def explain(self, finding: Found) -> bool:
        """Whether a finding is about an event that had begun, by a rule that is right to speak of it."""
        subjects = [each for each in (finding.chip, finding.waybill, finding.cluster) if each is not None]
        return any(
            finding.rule in event.rules and finding.opened_at >= event.began_at
            for subject in subjects
            for event in self._about.get(subject, [])
        )


def as_text(result: Score) -> str:
    """The score for people: one line a rule, then what was missed and what was said wrongly."""
    titles = ("findings", "grave", "true", "covered", "honest")
    lines = [
        f"Planted against found, seed {result.seed}, {result.chips:,} chips",
        "",
        f"{'rule':<20} {'planted':>7} {'found':>5}  {'intensity':<10} "
        + " ".join(f"{title:>8}" for title in titles),
    ]
    for kind, rule in result.rules.items():
        spread = f"{min(rule.intensities)}-{max(rule.intensities)}" if rule.intensities else "-"
        counts = (rule.findings, rule.grave, rule.about_events, rule.covered, rule.honest)
        columns = " ".join(f"{count:>8,}" for count in counts)
        lines.append(f"{kind:<20} {rule.planted:>7} {rule.found:>5}  {spread:<10} {columns}")
    lines += [
        "",
        "Intensity: chips of an event, percent of the line of a cluster. Grave: severity 4 and 5. Of these, true:",
        "about a planted event; covered: a cluster not planted, but above a line; honest: true, but no diversion.",
        f"Recall: {result.found} of {result.planted} events = {result.recall:.3f}.",
        f"Precision: {result.about_events} of {result.grave} grave findings = {result.precision:.3f}; against it count "
        f"{result.grave_covered} covered clusters and {result.honest} honest things, truly reported, and "
        f"{len(result.wrong)} wrong ones.",
        f"Clusters that truly stand above a line: {result.covered}, reported: {result.covered_found}.",
    ]
    lines += [
        f"  missed: event {event.number}, {event.kind} at {event.site}, intensity {event.intensity}, "
        f"from {event.began_at:%Y-%m-%d}, due {event.deadline:%Y-%m-%d}"
        for event in result.missed
    ]
    wrong = Counter((found.rule, found.site or found.cluster or "-") for found in result.wrong)
    lines += [f"  wrong: {count} of {rule} at {place}" for (rule, place), count in sorted(wrong.items())]
    return "\n".join(lines) + "\n"


def as_object(result: Score) -> dict[str, object]:
    """The score for machines."""
    return {
        "seed": result.seed,
        "chips": result.chips,
        "planted": result.planted,
        "found": result.found,
        "recall": round(result.recall, 4),
        "precision": round(result.precision, 4),
        "per_rule": {
            code: {
                "planted": rule.planted,
                "found": rule.found,
                "findings": rule.findings,
                "grave": rule.grave,
                "about_events": rule.about_events,
                "covered": rule.covered,
                "honest": rule.honest,
            }
            for code, rule in result.rules.items()
        },
    }
