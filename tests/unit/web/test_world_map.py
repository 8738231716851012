"""The map: which marks a window has, how large they are, and the land that is drawn beneath them."""

from __future__ import annotations

import json
import re

import pytest

from chipledger.refusals import Refused
from web.land import land_svg
from web.world_map import Place, Window, WorldMap, draw_world


def place(label: str, longitude: float, latitude: float, *, weight: float = 1, severity: int = 0) -> Place:
    return Place(label, "US", f"/sites/{label}/", longitude, latitude, weight, severity)


def drawn(places: list[Place], asked: str = "") -> WorldMap:
    return draw_world(
        places,
        asked,
        closer=lambda window: f"closer {window.address}",
        narrowest=lambda one: f"all {one.country}",
    )


def test_a_mark_says_its_site_and_its_area_grows_as_what_stands_there() -> None:
    small, large = drawn([place("a", -100, 40, weight=25), place("b", 20, 50, weight=100)]).marks[::-1]
    assert (small.url, small.label) == ("/sites/a/", "a: 25.0 H100-equivalents")
    assert (float(large.radius) / float(small.radius)) ** 2 == pytest.approx(4, rel=0.01)


def test_sites_that_would_cover_each_other_are_one_mark_with_the_worst_of_them() -> None:
    sites = [place("a", 103.8, 1.3, weight=5, severity=2), place("b", 103.7, 1.4, severity=5)]
    (mark,) = drawn(sites).marks
    assert (mark.places, mark.severity, mark.url) == (2, 5, "closer 103.8:1.3:90.0")
    assert mark.label == "2 sites around a: 6.0 H100-equivalents"


def test_a_closer_look_parts_them_or_leads_to_their_list() -> None:
    sites = [place("a", 103.8, 1.3), place("b", 104.3, 1.4)]
    assert {mark.url for mark in drawn(sites, "103.8:1.3:3.0").marks} == {"/sites/a/", "/sites/b/"}
    (mark,) = drawn([place("a", 103.8, 1.3), place("b", 103.8, 1.3)], "103.8:1.3:3.0").marks
    assert mark.url == "all US"


def test_marks_stand_apart_however_many_sites_there_are() -> None:
    sites = [
        place(f"s{x}-{y}", x / 2, y / 2, weight=x * 7 % 13)
        for x in range(-300, 300, 7)
        for y in range(-100, 100, 7)
    ]
    world = drawn(sites)
    assert sum(mark.places for mark in world.marks) == len(sites)
    assert len(world.marks) < 500
    apart = world.window.width / 24
    spots = [(float(mark.middle_x), float(mark.middle_y)) for mark in world.marks]
    assert all(
        (x - a) ** 2 + (y - b) ** 2 > (0.99 * apart) ** 2
        for number, (x, y) in enumerate(spots)
        for a, b in spots[:number]
    )


def test_a_region_shows_only_what_lies_in_it() -> None:
    sites = [place("a", 2, 48), place("b", -100, 40)]
    europe = drawn(sites, "europe")
    assert ([mark.url for mark in europe.marks], europe.region) == (["/sites/a/"], "europe")


@pytest.mark.parametrize(
    "asked", ["atlantis", "1:2:3", "0.0:0.0:0.1", "999.0:0.0:9.0", "0.0:99.0:9.0", "nan:0.0:3.0"]
)
def test_a_part_of_the_world_that_is_none_is_refused(asked: str) -> None:
    with pytest.raises(Refused) as refused:
        drawn([], asked)
    assert (refused.value.code, refused.value.status) == ("bad_map", 400)


def test_a_windows_address_leads_to_the_same_window() -> None:
    assert drawn([], Window(103.8, 1.3, 90).address).window == Window(103.8, 1.3, 90)


def land(rings: list[list[int]], arcs: list[list[list[int]]]) -> list[list[tuple[float, float]]]:
    topology = {
        "transform": {"scale": [1, 1], "translate": [-180, -90]},
        "arcs": arcs,
        "objects": {"land": {"geometries": [{"type": "MultiPolygon", "arcs": [[ring] for ring in rings]}]}},
    }
    (path,) = re.findall(r' d="([^"]*)"', land_svg(json.dumps(topology)))
    return [
        [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", piece)]
        for piece in path.split("Z")
        if piece
    ]


def test_a_ring_is_its_arcs_in_a_row_some_of_them_backwards() -> None:
    there, back = [[10, 10], [5, 0]], [[10, 10], [0, 5], [5, -5]]
    (ring,) = land([[0, -2]], [there, back])
    assert ring[:3] == [(-170, 80), (-165, 80), (-170, 75)]


def test_land_that_crosses_the_180th_meridian_is_drawn_at_both_edges_without_a_line_across() -> None:
    rings = land([[0]], [[[350, 90], [-340, 0], [0, 10], [340, 0], [0, -10]]])
    assert len(rings) == 2
    for ring in rings:
        assert max(x for x, _ in ring) - min(x for x, _ in ring) == 20


def test_land_round_the_pole_is_closed_along_the_pole() -> None:
    rings = land([[0]], [[[0, 20], [120, 0], [120, 0], [120, 0]]])
    assert any((-180.0, 90.0) in ring and (180.0, 90.0) in ring for ring in rings)
