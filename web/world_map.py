"""A map of the world with marks on it, drawn on the server: places that would cover each other become one mark.

Degrees are the drawing's own units: x is the longitude, y the latitude turned round. Nothing is projected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import floor, sqrt
from typing import Final

from chipledger.refusals import Refused

_ASPECT: Final = 150 / 360
# So many marks fit beside each other, without touching; the smallest is still to be hit.
_MARKS_ACROSS: Final = 24
_SMALLEST, _LARGEST = 0.24, 0.5
_CLOSER: Final = 4
NARROWEST: Final = 3.0
"""A part of the map is at least so many degrees wide."""


@dataclass(frozen=True)
class Window:
    """The part of the world that is shown, by its centre and its width in degrees."""

    longitude: float
    latitude: float
    width: float

    @property
    def height(self) -> float:
        return self.width * _ASPECT

    @property
    def west(self) -> float:
        return self.longitude - self.width / 2

    @property
    def top(self) -> float:
        return -self.latitude - self.height / 2

    @property
    def view_box(self) -> str:
        return f"{self.west:.2f} {self.top:.2f} {self.width:.2f} {self.height:.2f}"

    @property
    def address(self) -> str:
        """The word that `window_of` reads."""
        return f"{self.longitude:.1f}:{self.latitude:.1f}:{self.width:.1f}"

    def shows(self, place: Place) -> bool:
        return (
            0 <= place.longitude - self.west <= self.width and 0 <= -place.latitude - self.top <= self.height
        )


@dataclass(frozen=True)
class Place:
    """A place on the map: how much stands there, and its worst severity, 0 for none."""

    label: str
    country: str
    url: str
    longitude: float
    latitude: float
    weight: float
    severity: int


@dataclass(frozen=True)
class Mark:
    """One or several places as they are drawn: a shape of this size, and the words that say the same."""

    x: str
    y: str
    size: str
    middle_x: str
    middle_y: str
    radius: str
    severity: int
    label: str
    url: str
    places: int


@dataclass(frozen=True)
class WorldMap:
    """A finished drawing for `components/world_map.html`."""

    window: Window
    region: str
    marks: tuple[Mark, ...]
    text_size: str


REGIONS: Final[dict[str, tuple[str, Window]]] = {
    "world": ("World", Window(0, 9, 360)),
    "north-america": ("North America", Window(-95, 42, 110)),
    "south-america": ("South America", Window(-60, -20, 170)),
    "europe": ("Europe", Window(15, 50, 72)),
    "africa": ("Africa", Window(18, 3, 176)),
    "asia": ("Asia", Window(95, 30, 150)),
    "oceania": ("Oceania", Window(145, -22, 110)),
}
_ASKED = re.compile(r"(-?\d{1,3}\.\d):(-?\d{1,2}\.\d):(\d{1,3}\.\d)")


def window_of(asked: str) -> Window:
    """The part of the world that an address asks for: a region, or `longitude:latitude:width`.

    Raises Refused `bad_map` (400).
    """
    if asked in REGIONS:
        return REGIONS[asked][1]
    if found := _ASKED.fullmatch(asked):
        window = Window(*map(float, found.groups()))
        if abs(window.longitude) <= 180 and abs(window.latitude) <= 90 and NARROWEST <= window.width <= 360:
            return window
    raise Refused(
        "bad_map",
        "The map shows a region by its name; choose one below it.",
        field="map",
        value=asked,
        status=400,
    )


@dataclass
class _Group:
    """Places that are drawn as one, the strongest first; it stands where that one is."""

    places: list[Place] = field(default_factory=list)

    @property
    def weight(self) -> float:
        return sum(place.weight for place in self.places)


def draw_world(
    places: Iterable[Place], asked: str, *, closer: Callable[[Window], str], narrowest: Callable[[Place], str]
) -> WorldMap:
    """The marks of a window, the strongest drawn first.

    ``closer`` is the address of a part of the map; ``narrowest`` that of a list, where a closer look parts nothing.
    """
    window = window_of(asked or "world")
    groups = _groups([place for place in places if window.shows(place)], apart=window.width / _MARKS_ACROSS)
    groups.sort(key=lambda group: -group.weight)
    most = max((group.weight for group in groups), default=0) or 1
    return WorldMap(
        window=window,
        region=next((name for name, (_, known) in REGIONS.items() if known == window), ""),
        marks=tuple(_mark(group, window, most, closer, narrowest) for group in groups),
        text_size=f"{window.width / 75:.3f}",
    )


def _groups(places: Sequence[Place], *, apart: float) -> list[_Group]:
    """Each place, the strongest first, joins the mark that is too near to stand beside, or makes its own."""
    squares: dict[tuple[int, int], list[_Group]] = {}
    made: list[_Group] = []
    for place in sorted(places, key=lambda place: (-place.weight, place.label)):
        column, row = floor(place.longitude / apart), floor(place.latitude / apart)
        near = (
            group
            for across in (-1, 0, 1)
            for down in (-1, 0, 1)
            for group in squares.get((column + across, row + down), ())
            if (group.places[0].longitude - place.longitude) ** 2
            + (group.places[0].latitude - place.latitude) ** 2
            < apart**2
        )
        group = next(near, None)
        if group is None:
            group = _Group()
            squares.setdefault((column, row), []).append(group)
            made.append(group)
        group.places.append(place)
    return made


def _mark(
    group: _Group,
    window: Window,
    most: float,
    closer: Callable[[Window], str],
    narrowest: Callable[[Place], str],
) -> Mark:
    """Its area is as the weight; no mark is too small to be seen and hit."""
    first = group.places[0]
    apart = window.width / _MARKS_ACROSS
    radius = apart * max(_SMALLEST, _LARGEST * sqrt(group.weight / most))
    if len(group.places) == 1:
        label, url = first.label, first.url
    else:
        label = f"{len(group.places):,} sites around {first.label}"
        width = max(NARROWEST, window.width / _CLOSER)
        is_closest = window.width <= NARROWEST
        url = narrowest(first) if is_closest else closer(Window(first.longitude, first.latitude, width))
    return Mark(
        x=f"{first.longitude - radius:.3f}",
        y=f"{-first.latitude - radius:.3f}",
        size=f"{2 * radius:.3f}",
        middle_x=f"{first.longitude:.3f}",
        middle_y=f"{-first.latitude:.3f}",
        radius=f"{radius:.3f}",
        severity=max(place.severity for place in group.places),
        label=f"{label}: {group.weight:,.1f} H100-equivalents",
        url=url,
        places=len(group.places),
    )
