"""What a chip's page shows: the two lines, the timeline, the papers; each asked through what the reader may see."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db.models import Q
from django.urls import reverse

from attestations.models import IdentityGrade, PlaceGrade, Sighting
from attestations.queries import sightings_of, stays_of
from attestations.rules import cadence
from audits.models import Finding
from audits.rules import RULE_OF
from audits.rules.rule import FRESH_FOR
from ledger.models import Statement
from portal.papers.documents import positions_of, statement_papers
from registry.access import Reader, visible
from registry.catalogue import H100E_FP16_GFLOPS, H100E_TPP
from registry.models import Chip, Site
from registry.queries.visibility import opens_site
from tracking.models import AccountKind, Correction, Holding, MovementKind, Transfer
from tracking.queries.history import Correcting, Step, View
from web.components import Event, Fact, FactKind, Paper, Side, Tone
from web.durations import stamp
from web.two_lines import Span, TwoLines, draw_chip

PAPERS_SHOWN: Final = 12
ACCOUNT_TONES: Final = {
    AccountKind.ON_HAND: Tone.BOOK,
    AccountKind.IN_TRANSIT: Tone.WAIT,
    AccountKind.RETIRED: Tone.PLAIN,
    AccountKind.DESTROYED: Tone.PLAIN,
    AccountKind.LOST: Tone.GAP,
    AccountKind.STOLEN: Tone.GAP,
    AccountKind.EXPORTED: Tone.PLAIN,
}


def account_of(holding: Holding | None) -> tuple[str, Tone] | None:
    """Where a chip is, in a word; None where the reader may not know."""
    return None if holding is None else account_in_words(holding.account.kind, holding.installed_at)


def account_in_words(account: str, installed_at: datetime | None) -> tuple[str, Tone]:
    """An account in a word; a chip on hand that is installed is in service."""
    kind = AccountKind(account)
    in_service = installed_at is not None and kind == AccountKind.ON_HAND
    return "In service" if in_service else str(kind.label).capitalize(), ACCOUNT_TONES[kind]


def statements_behind(chip: Chip, steps: Sequence[Step], reader: Reader) -> list[Statement]:
    """The statements of a chip's history in the book, oldest first, and those of its latest sightings."""
    digests = {bytes.fromhex(step.statement) for step in steps}
    digests |= {bytes.fromhex(each.statement) for step in steps for each in step.corrections}
    mine = Q(digest__in=digests) | Q(pk__in=sightings_of(chip, reader=reader).values("statement_id"))
    if chip.maker_id == reader.organisation.pk:
        mine |= Q(pk=chip.statement_id)
    return list(Statement.objects.filter(mine).order_by("pk"))


def papers_of(statements: Sequence[Statement]) -> list[Paper]:
    """The newest papers first."""
    return statement_papers(list(reversed(statements))[:PAPERS_SHOWN])


def chip_facts(chip: Chip, holding: Holding | None, *, reader: Reader) -> list[Fact]:
    """Who answers for the chip, and what it is."""
    facts = []
    if holding is not None:
        account = holding.account
        handle = account.organisation.signer.handle
        facts = [
            Fact("Answers for it", account.organisation.name, url=reverse("organisation", args=[handle])),
            Fact("Site", account.site.name, url=_site_url(account.site, reader)),
        ]
    model = chip.model
    memory = f"{model.memory_mb / 1000:g} GB {model.memory_kind}"
    maker = chip.maker
    return [
        *facts,
        Fact("Maker", maker.name, url=reverse("organisation", args=[maker.signer.handle])),
        Fact("Model", model.name, url=reverse("chip-model", args=[model.code])),
        Fact("TPP", model.tpp, kind=FactKind.NUMBER),
        Fact(
            "H100-equivalents",
            f"{model.tpp / H100E_TPP:.2f} by TPP, {model.fp16_gflops / H100E_FP16_GFLOPS:.2f} by FP16",
        ),
        Fact("Memory", memory),
        Fact("Device key", "registered" if chip.device_key else "none"),
    ]


def _site_url(site: Site, reader: Reader) -> str | None:
    return reverse("site", args=[site.code]) if opens_site(reader, site) else None


def transfers_of(steps: Sequence[Step], reader: Reader) -> list[Transfer]:
    """The transfers in which the chip moved, the newest first; come with a history as far as the reader sees it."""
    digests = {bytes.fromhex(step.transfer) for step in steps if step.transfer}
    found = visible(reader, Transfer).filter(digest__in=digests).select_related("sender", "consignee")
    return list(found.order_by("-pk")[:PAPERS_SHOWN])


MISSING: Final = frozenset({AccountKind.LOST.value, AccountKind.STOLEN.value})
"""Accounts whose chips nobody can show: they stay unaccounted for, whoever declared what."""

EXPECTED: Final = MISSING | {AccountKind.ON_HAND.value}
"""Accounts whose chips should prove themselves."""


def draw(chip: Chip, steps: Sequence[Step], *, reader: Reader, now: datetime) -> TwoLines | None:
    """Book against silicon as far as this reader sees either."""
    if not steps:
        return None
    book = [
        Span(
            step.effective_at,
            after.effective_at if after else None,
            step.target.site
            if step.target.account == AccountKind.ON_HAND
            else step.target.account.replace("_", " "),
            expected=step.target.account in EXPECTED,
        )
        for step, after in zip(steps, [*steps[1:], None], strict=True)
    ]
    book = [span for span in book if span.end is None or span.end > span.start]
    silicon = []
    for stay in stays_of(chip, reader=reader):
        fresh = stay.is_latest and now - stay.ended_at < FRESH_FOR * cadence()
        silicon.append(Span(stay.began_at, None if fresh else stay.ended_at, stay.site.code))
    seen_since = min((span.start for span in silicon), default=None)
    # Chips are silent until they are installed: before the first proof no sighting was due. Lost is lost all the same.
    book = [part for span in book for part in _quiet_before(span, seen_since)]
    start = min([*(span.start for span in book), *(span.start for span in silicon)])
    return draw_chip(book, sorted(silicon, key=lambda span: span.start), start=start, now=now)


def _quiet_before(span: Span, seen_since: datetime | None) -> list[Span]:
    """The span, its part before the first proof marked as one in which none was due."""
    if span.place in MISSING or (seen_since is not None and seen_since <= span.start):
        return [span]
    if seen_since is None or (span.end is not None and span.end <= seen_since):
        return [Span(span.start, span.end, span.place, expected=False)]
    return [
        Span(span.start, seen_since, span.place, expected=False),
        Span(seen_since, span.end, span.place, expected=span.expected),
    ]


def events_of(
    chip: Chip, steps: Sequence[Step], findings: Sequence[Finding], *, reader: Reader, view: View
) -> list[Event]:
    """Everything that happened to the chip, newest first; corrections apart when both views are asked for."""
    events = [moved_event(step) for step in steps]
    if view == View.BOTH:
        events += [_corrected(step, each) for step in steps for each in step.corrections]
    sightings = list(sightings_of(chip, reader=reader))
    positions = positions_of([sighting.statement_id for sighting in sightings])
    events += [seen_event(sighting, positions.get(sighting.statement_id)) for sighting in sightings]
    events += [
        Event(
            finding.opened_at,
            f"Finding: {RULE_OF[finding.rule].title.lower()}",
            Side.AUDIT,
            f"{finding.organisation.name} must explain."
            if finding.closed_at is None
            else finding.get_closing_display(),
            reverse("finding", args=[finding.uid]),
        )
        for finding in findings
    ]
    return sorted(events, key=lambda event: event.at, reverse=True)


def moved_event(step: Step) -> Event:
    """A movement of a chip, in a timeline."""
    target = f"{step.target.organisation}, {step.target.site}"
    source = f"{step.source.organisation}, {step.source.site}" if step.source else ""
    text = target if not source or source == target else f"{source} → {target}"
    if step.corrections:
        text += f". Corrected; filed as {stamp(step.filed_at)}."
    return Event(
        step.effective_at,
        f"{MovementKind(step.kind).label} by {step.signer}",
        Side.BOOK,
        text,
        reverse("statement", args=[step.statement]),
        step.position,
    )


def _corrected(step: Step, correcting: Correcting) -> Event:
    place = step.corrections.index(correcting)
    old = step.corrections[place - 1].effective_at if place else step.filed_at
    reason = str(Correction.Reason(correcting.reason).label).lower()
    return Event(
        correcting.recorded_at,
        f"{MovementKind(step.kind).label}: corrected by {correcting.signer}",
        Side.BOOK,
        f"From {stamp(old)} to {stamp(correcting.effective_at)}; {reason}.",
        reverse("statement", args=[correcting.statement]),
        correcting.position,
    )


def seen_event(sighting: Sighting, position: int | None) -> Event:
    """The latest evidence of a grade, in a timeline."""
    identity = IdentityGrade(sighting.identity).label.lower()
    place = PlaceGrade(sighting.place).label.lower()
    return Event(
        sighting.seen_at,
        f"Last seen at {sighting.site.name}",
        Side.SILICON,
        f"Identity by {identity}, place by {place}.",
        reverse("statement", args=[bytes(sighting.statement.digest).hex()]),
        position,
    )
