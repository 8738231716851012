"""Keyset pages over real rows: every row once, in order, there and back, without counting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.http import HttpRequest
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from rest_framework.request import Request
from rest_framework.views import APIView

from web.paging import Keyset, KeysetPagination, Page

pytestmark = pytest.mark.django_db
# Three names over eleven rows: many ties, so that the second key matters.
MIXED = Keyset(("-name", "id"))


@pytest.fixture
def eleven() -> list[int]:
    """Primary keys of eleven rows in the order of MIXED."""
    kind = ContentType.objects.create(app_label="paging", model="row")
    for number in range(11):
        Permission.objects.create(content_type=kind, codename=f"c{number}", name=f"n{number % 3}")
    found = Permission.objects.filter(content_type=kind)
    return [row.pk for row in sorted(found, key=lambda row: (-ord(row.name[1]), row.pk))]


def page_at(url: str | None, keyset: Keyset = MIXED) -> Page[Permission]:
    request = RequestFactory().get(url or "/list?colour=red")
    return keyset.page(Permission.objects.filter(content_type__app_label="paging"), request, size=4)


def walk(start: Page[Permission], step: Callable[[Page[Permission]], str | None]) -> list[Page[Permission]]:
    pages = [start]
    while url := step(pages[-1]):
        pages.append(page_at(url))
    return pages


def test_every_row_is_shown_once_in_order(eleven: list[int]) -> None:
    pages = walk(page_at(None), lambda page: page.next_url)
    assert [row.pk for page in pages for row in page.items] == eleven
    assert [len(page.items) for page in pages] == [4, 4, 3]


def test_the_way_back_shows_the_same_pages(eleven: list[int]) -> None:
    there = walk(page_at(None), lambda page: page.next_url)
    back = walk(there[-1], lambda page: page.previous_url)
    assert [[row.pk for row in page.items] for page in reversed(back)] == [
        [row.pk for row in page.items] for page in there
    ]
    assert back[-1].previous_url is None
    assert there[0].previous_url is None


def test_the_address_of_the_next_page_keeps_the_filter(eleven: list[int]) -> None:
    url = page_at(None).next_url
    assert url is not None
    assert urlsplit(url).query.startswith("colour=red&cursor=")


def test_a_row_added_before_the_cursor_does_not_shift_the_next_page(eleven: list[int]) -> None:
    first = page_at(None)
    kind = ContentType.objects.get(app_label="paging")
    Permission.objects.create(content_type=kind, codename="new", name="n9")
    assert [row.pk for row in page_at(first.next_url).items] == eleven[4:8]


def test_a_page_is_one_query_and_counts_nothing(eleven: list[int]) -> None:
    first = page_at(None)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        page_at(first.next_url)
    assert len(queries) == 1
    assert "COUNT(" not in queries[0]["sql"].upper()


def test_an_empty_list_leads_nowhere() -> None:
    assert page_at(None) == Page([], None, None)


def test_the_api_answers_items_and_an_absolute_next(eleven: list[int]) -> None:
    class Paging(KeysetPagination):
        page_size = 4

    class View(APIView):
        keyset = MIXED

    def answer(request: HttpRequest) -> dict[str, Any]:
        paging = Paging()
        rows = paging.paginate_queryset(
            Permission.objects.filter(content_type__app_label="paging"), Request(request), View()
        )
        assert rows is not None
        return dict(paging.get_paginated_response([row.pk for row in rows]).data)

    first = answer(RequestFactory().get("/api/v1/rows"))
    assert first["items"] == eleven[:4]
    assert first["next"].startswith("http://testserver/api/v1/rows?cursor=")
    last = answer(RequestFactory().get(first["next"].replace("http://testserver", "")))
    assert last["items"] == eleven[4:8]
