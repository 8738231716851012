"""Who answers in each weekly round: the chips that really run at each site, and the copies that pretend to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from simulator.plan.world import World, round_at


@dataclass(frozen=True, slots=True)
class Answer:
    """A chip, or a copy of its identity, that answers its gateway."""

    chip: int
    is_copy: bool


def rounds_of(world: World) -> Iterator[dict[str, list[Answer]]]:
    """For each week, what each site's gateway collects; copies come last, where the chip itself answered before."""
    running: dict[int, str | None] = {}
    moves = iter(world.moves)
    upcoming = next(moves, None)
    for week in range(world.weeks):
        while upcoming is not None and upcoming.at <= round_at(week):
            running.update(dict.fromkeys(upcoming.chips, upcoming.site))
            upcoming = next(moves, None)
        yield _answers(world, week, running)


def _answers(world: World, week: int, running: dict[int, str | None]) -> dict[str, list[Answer]]:
    missed = world.missed[week]
    answers: dict[str, list[Answer]] = defaultdict(list)
    for chip, site in sorted(running.items()):
        if site is not None and chip not in missed and (week, site) not in world.silent:
            answers[site].append(Answer(chip, is_copy=False))
    copies: dict[str, list[Answer]] = defaultdict(list)
    for clone in world.clones:
        if clone.first <= week <= clone.last and clone.site in answers:
            copies[clone.site].append(Answer(clone.chip, is_copy=True))
    genuine = {site: answers[site] for site in sorted(answers, key=lambda site: (site in copies, site))}
    return {site: [*chips, *copies.get(site, [])] for site, chips in genuine.items()}
