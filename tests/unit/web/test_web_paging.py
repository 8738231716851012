"""Cursors: what was not made here is refused, and key values come back as they went."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from datetime import UTC, date, datetime
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from django.contrib.auth.models import Group
from django.test import RequestFactory

from chipledger.refusals import Refused
from web.paging import _MAX_CURSOR_CHARS, CURSOR, Keyset, _pack, _unpack, chosen_keyset

BY_NAME = Keyset(("name", "id"))


def cursor_after(row: dict[str, object], keyset: Keyset = BY_NAME) -> str:
    address = keyset._address(RequestFactory().get("/"), row, backwards=False)
    return parse_qs(urlsplit(address).query)[CURSOR][0]


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "a:b:c",
        "é",
        "A" * 5000,
    ],
)
def test_a_cursor_not_made_here_is_refused(cursor: str) -> None:
    request = RequestFactory().get("/", {CURSOR: cursor})
    with pytest.raises(Refused) as refused:
        BY_NAME.page(Group.objects.all(), request)
    assert (refused.value.code, refused.value.status) == ("bad_cursor", 400)


def test_a_cursor_of_another_order_is_refused() -> None:
    token = cursor_after({"id": 7}, Keyset(("-id",)))
    request = RequestFactory().get("/", {CURSOR: token})
    with pytest.raises(Refused, match="not valid here"):
        Keyset(("id",)).page(Group.objects.all(), request)


def test_a_cursor_tells_no_row_number() -> None:
    token = cursor_after({"id": 1234567}, Keyset(("id",)))
    assert b"1234567" not in urlsafe_b64decode(token)
    assert token != cursor_after({"id": 1234567}, Keyset(("id",)))  # nor whether two of them are the same


def test_the_longest_name_fits_into_a_cursor() -> None:
    cursor = cursor_after({"name": "\U0001f600" * 200, "id": 10**12})
    assert len(cursor) <= _MAX_CURSOR_CHARS


def test_one_changed_letter_breaks_a_cursor() -> None:
    token = cursor_after({"name": "a", "id": 1})
    changed = token[:40] + ("B" if token[40] != "B" else "C") + token[41:]
    with pytest.raises(Refused, match="not valid here"):
        BY_NAME.page(Group.objects.all(), RequestFactory().get("/", {CURSOR: changed}))


@pytest.mark.parametrize(
    "value",
    [
        7,
        "a1",
        datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC),
        date(2026, 1, 31),
        Decimal("1.10"),
        UUID(int=5),
        b"\x00\xff",
    ],
)
def test_a_key_value_survives_the_cursor(value: object) -> None:
    packed = json.loads(json.dumps(_pack(value)))
    assert _unpack(packed) == value
    assert type(_unpack(packed)) is type(value)


def test_a_list_cannot_be_paged_by_a_missing_value() -> None:
    with pytest.raises(TypeError, match="cannot be paged"):
        _pack(None)


def test_an_unknown_sort_is_refused_with_the_ones_there_are() -> None:
    request = RequestFactory().get("/", {"sort": "colour"})
    with pytest.raises(Refused, match=r"one of -name, name\.") as refused:
        chosen_keyset(request, {"name": BY_NAME, "-name": Keyset(("-name", "-id"))}, default="name")
    assert refused.value.code == "bad_sort"
