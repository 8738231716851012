"""Cursors: what was not made here is refused, and key values come back as they went."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from django.contrib.auth.models import Group
from django.core import signing
from django.test import RequestFactory

from chipledger.refusals import Refused
from web.paging import CURSOR, Keyset, _pack, _unpack, chosen_keyset

BY_NAME = Keyset(("name", "id"))


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "a:b:c",
        "é",
        "A" * 5000,
        pytest.param(signing.dumps([0, ["j", "a"], ["j", 1]]), id="signed for something else"),
    ],
)
def test_a_cursor_not_made_here_is_refused(cursor: str) -> None:
    request = RequestFactory().get("/", {CURSOR: cursor})
    with pytest.raises(Refused) as refused:
        BY_NAME.page(Group.objects.all(), request)
    assert (refused.value.code, refused.value.status) == ("bad_cursor", 400)


def test_a_cursor_of_another_order_is_refused() -> None:
    token = signing.dumps([0, ["j", 7]], salt="web.paging:-id")
    request = RequestFactory().get("/", {CURSOR: token})
    with pytest.raises(Refused, match="not valid here"):
        Keyset(("id",)).page(Group.objects.all(), request)


def test_one_changed_letter_breaks_a_cursor() -> None:
    token = signing.dumps([0, ["j", "a"], ["j", 1]], salt="web.paging:name,id", compress=True)
    changed = ("B" if token[0] != "B" else "C") + token[1:]
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
    packed = signing.loads(signing.dumps(_pack(value)))
    assert _unpack(packed) == value
    assert type(_unpack(packed)) is type(value)


def test_a_list_cannot_be_paged_by_a_missing_value() -> None:
    with pytest.raises(TypeError, match="cannot be paged"):
        _pack(None)


def test_an_unknown_sort_is_refused_with_the_ones_there_are() -> None:
    request = RequestFactory().get("/", {"sort": "colour"})
    with pytest.raises(Refused, match=r"sorts by -name, name\.") as refused:
        chosen_keyset(request, {"name": BY_NAME, "-name": Keyset(("-name", "-id"))}, default="name")
    assert refused.value.code == "bad_sort"
