"""The ground truth as a file of its own: written when a world is run, read by the scoring and by nothing else."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from simulator.plan.covered import covered_clusters
from simulator.plan.truth import CONSEQUENCES, Kind
from simulator.plan.world import World

FILE_NAME: Final = "ground-truth.json"


@dataclass(frozen=True)
class Planted:
    """A planted event in the names that findings use: chips ``maker/serial``, the waybill, the keys of clusters."""

    number: int
    kind: Kind
    site: str
    chips: tuple[str, ...]
    waybill: str | None
    clusters: tuple[str, ...]
    began_at: datetime
    deadline: datetime
    intensity: int

    @property
    def rules(self) -> frozenset[Kind]:
        """The rules that are right to speak of it."""
        return CONSEQUENCES.get(self.kind, frozenset()) | {self.kind}


@dataclass(frozen=True)
class Honest:
    """Something honest that a rule may truly report, by waybill or by site."""

    what: str
    rules: frozenset[Kind]
    began_at: datetime
    waybill: str | None
    site: str | None


@dataclass(frozen=True)
class Above:
    """A cluster that truly stands above a line, planted or not, by the plan's own arithmetic."""

    key: str
    since: datetime


@dataclass(frozen=True)
class Truth:
    """Everything the scoring needs to know about a world."""

    seed: int
    chips: int
    planted: tuple[Planted, ...]
    honest: tuple[Honest, ...]
    covered: tuple[Above, ...]


def truth_of(world: World) -> Truth:
    """The ground truth of a world, in names."""

    def waybill(consignment: int | None) -> str | None:
        return None if consignment is None else world.waybill(consignment)

    return Truth(
        seed=world.seed,
        chips=len(world.units),
        planted=tuple(
            Planted(
                number=event.number,
                kind=event.kind,
                site=event.site,
                chips=tuple(world.units[chip].name for chip in event.chips),
                waybill=waybill(event.consignment),
                clusters=event.clusters,
                began_at=event.began_at,
                deadline=event.deadline,
                intensity=event.intensity,
            )
            for event in world.events
        ),
        honest=tuple(
            Honest(each.what, each.rules, each.began_at, waybill(each.consignment), each.site)
            for each in world.benign
        ),
        covered=tuple(Above(cluster.key, cluster.since) for cluster in covered_clusters(world)),
    )


def write_truth(truth: Truth, path: Path) -> None:
    """Keep the truth as JSON."""
    text = json.dumps(asdict(truth), default=_plain, indent=1)
    path.write_text(text + "\n", encoding="utf-8")


def read_truth(path: Path) -> Truth:
    """Read back what :func:`write_truth` wrote."""
    kept = json.loads(path.read_text(encoding="utf-8"))
    return Truth(
        seed=kept["seed"],
        chips=kept["chips"],
        planted=tuple(
            Planted(
                **{
                    **event,
                    "kind": Kind(event["kind"]),
                    "chips": tuple(event["chips"]),
                    "clusters": tuple(event["clusters"]),
                    "began_at": datetime.fromisoformat(event["began_at"]),
                    "deadline": datetime.fromisoformat(event["deadline"]),
                }
            )
            for event in kept["planted"]
        ),
        honest=tuple(
            Honest(
                what=each["what"],
                rules=frozenset(Kind(rule) for rule in each["rules"]),
                began_at=datetime.fromisoformat(each["began_at"]),
                waybill=each["waybill"],
                site=each["site"],
            )
            for each in kept["honest"]
        ),
        covered=tuple(Above(each["key"], datetime.fromisoformat(each["since"])) for each in kept["covered"]),
    )


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, frozenset):
        return sorted(str(each) for each in value)
    raise TypeError(f"{type(value)} has no place in the ground truth")
