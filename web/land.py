"""The world's land as one SVG path, made at build time from the TopoJSON of Natural Earth (public domain).

Units are degrees: x is the longitude, y the latitude turned round, so that north is up.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import TypedDict

Point = tuple[float, float]
_PRECISION = 2
_TURN, _POLE = 360.0, 90.0


class Transform(TypedDict):
    """How whole numbers become degrees."""

    scale: tuple[float, float]
    translate: tuple[float, float]


def land_svg(topology: str) -> str:
    """An SVG file whose symbol `land` is the outline of all land."""
    read = json.loads(topology)
    arcs = [list(_degrees(arc, read["transform"])) for arc in read["arcs"]]
    rings = (
        ring
        for geometry in read["objects"]["land"]["geometries"]
        for polygon in _polygons(geometry)
        for ring in polygon
    )
    path = "".join(f"M{_line(piece)}Z" for ring in rings for piece in _unrolled(_ring(ring, arcs)))
    drawn = f'<path id="land" vector-effect="non-scaling-stroke" d="{path}"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg">{drawn}</svg>\n'


def _polygons(geometry: dict[str, object]) -> Iterator[list[list[int]]]:
    arcs = geometry["arcs"]
    if not isinstance(arcs, list):
        raise TypeError("A geometry of land names its arcs in a list.")
    yield from arcs if geometry["type"] == "MultiPolygon" else [arcs]


def _degrees(arc: Iterable[tuple[int, int]], transform: Transform) -> Iterator[Point]:
    """An arc is written as steps from point to point, in whole numbers."""
    (scale_x, scale_y), (left, bottom) = transform["scale"], transform["translate"]
    for x, y in accumulate(arc, lambda here, step: (here[0] + step[0], here[1] + step[1])):
        yield x * scale_x + left, -(y * scale_y + bottom)


def _ring(numbers: Iterable[int], arcs: list[list[Point]]) -> list[Point]:
    """The arcs of a ring in a row; a negative number is an arc walked backwards, and neighbours share their end."""
    points: list[Point] = []
    for number in numbers:
        arc = arcs[number] if number >= 0 else arcs[~number][::-1]
        points += arc[1:] if points else arc
    return points[:-1]


def _unrolled(ring: list[Point]) -> Iterator[list[Point]]:
    """A ring without a leap at the 180th meridian: it goes on beyond it, and comes in again on the other side.

    A ring round the pole is closed along the pole, which is the lower edge of the drawing.
    """
    points = [ring[0]]
    for x, y in [*ring[1:], ring[0]]:
        points.append((x - _TURN * round((x - points[-1][0]) / _TURN), y))
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    if points[-1][0] != points[0][0]:
        points += [(points[-1][0], _POLE), (points[0][0], _POLE)]
    for shift in (-_TURN, 0, _TURN):
        if left + shift < _TURN / 2 and right + shift > -_TURN / 2:
            yield [(x + shift, y) for x, y in points]


def _line(points: list[Point]) -> str:
    return "L".join(f"{x:.{_PRECISION}f} {y:.{_PRECISION}f}" for x, y in points)
