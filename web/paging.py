"""Keyset paging: a page is found by the last row seen, so that page 10,000 costs as much as page 1."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chipledger.refusals import Refused

CURSOR = "cursor"
PAGE_SIZE = 50
_MAX_CURSOR_CHARS = 2000

Row = TypeVar("Row")


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows of a list, and where to go on; both addresses keep the filter. No total is counted."""

    items: list[Row]
    next_url: str | None
    previous_url: str | None


@dataclass(frozen=True)
class Keyset:
    """The order of a list, as field names with `-` for descending.

    The fields together are unique (end with the primary key) and never null; both are the caller's duty,
    because a row with an equal or a null key would be skipped. An index in this order serves every page.
    """

    order: tuple[str, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(name.lstrip("-") for name in self.order)

    def page(self, queryset: QuerySet[Any, Row], request: HttpRequest, *, size: int = PAGE_SIZE) -> Page[Row]:
        """The rows that the request's cursor asks for, at most `size`.

        Raises Refused `bad_cursor` (400) when the cursor was not made here for this order.
        """
        cursor = self._read(request.GET.get(CURSOR))
        backwards = cursor is not None and cursor.backwards
        ordered = queryset.order_by(*(_turned(self.order) if backwards else self.order))
        if cursor is not None:
            ordered = ordered.filter(self._beyond(cursor))
        rows = list(ordered[: size + 1])
        more = len(rows) > size
        rows = rows[:size]
        if backwards:
            rows.reverse()
        has_next = bool(rows) and (more or backwards)
        has_previous = bool(rows) and (more if backwards else cursor is not None)
        return Page(
            items=rows,
            next_url=self._address(request, rows[-1], backwards=False) if has_next else None,
            previous_url=self._address(request, rows[0], backwards=True) if has_previous else None,
        )

    def _beyond(self, cursor: _Cursor) -> Q:
        """Rows after the cursor. The first, redundant bound lets the index start at the cursor."""
        order = _turned(self.order) if cursor.backwards else self.order
        after, equal = Q(), Q()
        for name, value in zip(order, cursor.key, strict=True):
            field, direction = name.lstrip("-"), "lt" if name.startswith("-") else "gt"
            after |= equal & Q(**{f"{field}__{direction}": value})
            equal &= Q(**{field: value})
        first = order[0].lstrip("-")
        bound = Q(**{f"{first}__{'lte' if order[0].startswith('-') else 'gte'}": cursor.key[0]})
        return bound & after

    def _address(self, request: HttpRequest, row: object, *, backwards: bool) -> str:
        key = [_pack(_value(row, field)) for field in self.fields]
        token = self._seal.encrypt(json.dumps([int(backwards), *key], ensure_ascii=False).encode()).decode()
        kept = [(name, value) for name, values in request.GET.lists() if name != CURSOR for value in values]
        return f"{request.path}?{urlencode([*kept, (CURSOR, token)])}"

    def _read(self, token: str | None) -> _Cursor | None:
        if not token:
            return None
        try:
            # No cursor of ours is longer; what is cut does not open.
            backwards, *key = json.loads(self._seal.decrypt(token[:_MAX_CURSOR_CHARS]))
            return _Cursor(bool(backwards), tuple(_unpack(value) for value in key))
        except (InvalidToken, ValueError, TypeError):
            raise Refused(
                "bad_cursor",
                "This page address is not valid here. Start again from the first page.",
                status=400,
            ) from None

    @property
    def _seal(self) -> Fernet:
        """Cursors are encrypted: row numbers would tell strangers how much there is of everything."""
        digest = salted_hmac("web.paging", ",".join(self.order), algorithm="sha256").digest()
        return Fernet(urlsafe_b64encode(digest))


@dataclass(frozen=True)
class _Cursor:
    backwards: bool
    key: tuple[object, ...]


def chosen_keyset(request: HttpRequest, choices: Mapping[str, Keyset], *, default: str) -> Keyset:
    """The order that `?sort=` asks for.

    Raises Refused `bad_sort` (400) when the list has no such order.
    """
    asked = request.GET.get("sort") or default
    if asked not in choices:
        raise Refused(
            "bad_sort", f"Sort this list by one of {', '.join(sorted(choices))}.", field="sort", status=400
        )
    return choices[asked]


class KeysetPagination(BasePagination):
    """DRF pages as `{"items": […], "next": url | null}`. The view names its order as `keyset`."""

    page_size = 100
    _page: Page[Any]

    def paginate_queryset(
        self, queryset: QuerySet[Any, Row] | Sequence[Row], request: Request, view: APIView | None = None
    ) -> list[Row] | None:
        keyset = getattr(view, "keyset", None)
        if not isinstance(keyset, Keyset) or not isinstance(queryset, QuerySet):
            raise TypeError(f"{view!r} needs a queryset, and a keyset to page it by.")
        self._host = request._request
        page = keyset.page(queryset, self._host, size=self.page_size)
        self._page = page
        return page.items

    def get_paginated_response(self, data: Any) -> Response:
        following = self._page.next_url
        return Response({"items": data, "next": following and self._host.build_absolute_uri(following)})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["items", "next"],
            "properties": {
                "items": schema,
                "next": {"type": "string", "format": "uri", "nullable": True},
            },
        }

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        return [
            {
                "name": CURSOR,
                "in": "query",
                "required": False,
                "description": "Where to go on: taken from `next` of the page before.",
                "schema": {"type": "string"},
            }
        ]


def _turned(order: Sequence[str]) -> tuple[str, ...]:
    return tuple(name[1:] if name.startswith("-") else f"-{name}" for name in order)


def _value(row: object, field: str) -> object:
    if isinstance(row, Mapping):
        return row[field]
    value: object = row
    for step in field.split("__"):
        value = value.pk if step == "pk" and isinstance(value, Model) else getattr(value, step)
    return value


def _pack(value: object) -> list[str | int | float]:
    """A key value as JSON with its type, so that it comes back to the microsecond and as the same type."""
    match value:
        case bool() | None:
            raise TypeError(f"A list cannot be paged by {value!r}.")
        case int() | float() | str():
            return ["j", value]
        case datetime():
            return ["t", value.isoformat()]
        case date():
            return ["d", value.isoformat()]
        case Decimal():
            return ["m", str(value)]
        case UUID():
            return ["u", value.hex]
        case bytes() | memoryview():
            return ["b", bytes(value).hex()]
    raise TypeError(f"A list cannot be paged by a {type(value).__name__}.")


def _unpack(packed: tuple[str, Any]) -> object:
    mark, value = packed
    match mark:
        case "t":
            return datetime.fromisoformat(value)
        case "d":
            return date.fromisoformat(value)
        case "m":
            return Decimal(value)
        case "u":
            return UUID(value)
        case "b":
            return bytes.fromhex(value)
    return value
