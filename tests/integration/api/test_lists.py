"""Every list of API v1: pages by cursor, each as cheap as the first, and no cursor that was tampered with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import get_resolver
from pytest_django.fixtures import DjangoAssertNumQueries

from tests.integration.api.caller import Caller, refused
from tests.integration.tracking.trade import Trade
from tests.world import World

pytestmark = pytest.mark.django_db

#: The queries of one page, for the regulator: its token first, then what is named, then the note of what it read.
QUERIES = {
    "/organisations": 3,  # organisations, their owners: published, nobody notes who read them
    "/models": 2,  # models, published too
    "/sites": 4,  # sites, their links
    "/chips": 4,  # chips, where they are
    "/transfers": 3,  # transfers
    "/stock-takes": 3,  # counts with their places
    "/findings": 3,  # findings
    "/clusters": 3,  # clusters
    "/balances": 3,  # balances
    "/notices": 3,  # notices, what the reader marked read
}


@pytest.fixture
def regulator(world: World, monkeypatch: pytest.MonkeyPatch) -> Caller:
    monkeypatch.setattr("web.paging.KeysetPagination.page_size", 2)
    caller = Caller(world.regulator)
    caller.get("/models")  # notes the use of the token, once in ten minutes
    return caller


def pages(caller: Caller, path: str) -> Iterator[list[Any]]:
    following = path
    while following:
        page = caller.get(following).json()
        yield page["items"]
        following = page["next"]


def test_every_list_of_the_api_has_a_baseline(world: World) -> None:
    lists = {
        f"/{pattern.pattern}"
        for _, pattern in flatten(get_resolver())
        if hasattr(getattr(pattern.callback, "view_class", None), "keyset")
    }
    administrators_only = {"/tokens", "/readings"}
    of_one_transfer = {path for path in lists if path.endswith("/lines$")}
    assert lists - administrators_only - of_one_transfer == set(QUERIES)


def flatten(resolver: Any) -> Iterator[tuple[str, Any]]:
    for pattern in resolver.url_patterns:
        if hasattr(pattern, "url_patterns"):
            yield from flatten(pattern)
        else:
            yield str(pattern.pattern), pattern


@pytest.mark.parametrize("path", sorted(QUERIES))
def test_a_page_costs_the_same_queries_with_many_rows_as_with_few(
    world: World,
    regulator: Caller,
    path: str,
    django_assert_max_num_queries: DjangoAssertNumQueries,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trade = Trade(world)
    trade.dispatch(world.commission([f"S{number}" for number in range(7)], keyed=False)[:3])
    for size in (1, 100):
        monkeypatch.setattr("web.paging.KeysetPagination.page_size", size)
        with django_assert_max_num_queries(QUERIES[path]):
            assert regulator.get(path).status_code == 200


def test_pages_lead_through_a_list_without_gap_or_repetition(world: World, regulator: Caller) -> None:
    names = world.commission([f"S{number}" for number in range(7)], keyed=False)
    found = list(pages(regulator, "/chips?model=maker-a-h100"))
    assert [len(page) for page in found] == [2, 2, 2, 1]
    assert sorted(chip["chip"] for page in found for chip in page) == names


def test_a_page_keeps_the_filter_of_the_list(world: World, regulator: Caller) -> None:
    world.commission([f"S{number}" for number in range(3)], keyed=False)
    assert "model=maker-a-h100" in regulator.get("/chips?model=maker-a-h100").json()["next"]


@pytest.mark.parametrize("path", sorted(QUERIES))
def test_a_cursor_that_was_tampered_with_is_refused(regulator: Caller, path: str) -> None:
    for cursor in ("x", "a:b:c", "%01", "x" * 5000):
        assert refused(regulator.get(f"{path}?cursor={cursor}")) == (400, "bad_cursor"), cursor


def test_the_cursor_of_one_list_does_not_open_another(world: World, regulator: Caller) -> None:
    following = regulator.get("/sites").json()["next"]
    cursor = following.partition("cursor=")[2]
    assert regulator.get(f"/sites?cursor={cursor}").status_code == 200
    assert refused(regulator.get(f"/organisations?cursor={cursor}")) == (400, "bad_cursor")
    last = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
    assert refused(regulator.get(f"/sites?cursor={last}")) == (400, "bad_cursor")
