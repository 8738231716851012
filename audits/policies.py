"""Published thresholds as data: the fields of the `policy.published` statements that put them in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from chipledger.statements.audits import Threshold
from registry.catalogue import H100E_TPP


@dataclass(frozen=True)
class PublishedThreshold:
    """A line that somebody proposed, with its source; all comparisons are strict."""

    code: str
    title: str
    source: str
    grouping: Literal["site", "owner"]
    thresholds: tuple[Threshold, ...]
    networked_above_mbit_s: int | None = None

    def fields(self, *, effective_from: datetime, countries: tuple[str, ...] = ()) -> dict[str, object]:
        """What a regulator fills into `policy.published`, for some countries or (none named) for all."""
        return {
            "code": self.code,
            "title": self.title,
            "source": self.source,
            "countries": sorted(countries),
            "grouping": self.grouping,
            "networked_above_mbit_s": self.networked_above_mbit_s,
            "thresholds": list(self.thresholds),
            "effective_from": effective_from,
        }


_MIRI: Final = (
    "MIRI draft agreement, arXiv 2511.10783v2, Art. II.15-16: more than 16 H100e, networked above 25 Gbit/s"
)
_RAHMAN: Final = "R. Rahman, arXiv 2605.29359: more than 1,280 GB of accelerator memory; GDDR counts nothing"

MIRI_SITE: Final = PublishedThreshold(
    code="miri-cluster",
    title="Covered chip cluster: more than 16 H100e on one site or one network",
    source=_MIRI,
    grouping="site",
    thresholds=(Threshold(measure="tpp", above=16 * H100E_TPP),),
    networked_above_mbit_s=25_000,
)
MIRI_OWNER: Final = PublishedThreshold(
    code="miri-owner",
    title="More than 16 H100e under one beneficial owner, across sites",
    source=_MIRI,
    grouping="owner",
    thresholds=(Threshold(measure="tpp", above=16 * H100E_TPP),),
)
RAHMAN_SITE: Final = PublishedThreshold(
    code="rahman-memory",
    title="More than 1,280 GB of accelerator memory on one site or one network",
    source=_RAHMAN,
    grouping="site",
    thresholds=(Threshold(measure="memory_mb", above=1_280_000),),
    networked_above_mbit_s=25_000,
)
RAHMAN_OWNER: Final = PublishedThreshold(
    code="rahman-owner",
    title="More than 1,280 GB of accelerator memory under one beneficial owner, across sites",
    source=_RAHMAN,
    grouping="owner",
    thresholds=(Threshold(measure="memory_mb", above=1_280_000),),
)
PUBLISHED: Final = (MIRI_SITE, MIRI_OWNER, RAHMAN_SITE, RAHMAN_OWNER)
