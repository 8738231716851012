"""Notices over HTTP, for programs that poll."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from notices.models import Kind, Notice
from notices.queries import NAMES, address_of, sentence_of
from notices.rules import unknown_kind
from registry.access import reader_of, visible
from web.paging import Keyset, KeysetPagination


class NoticeSerializer(serializers.ModelSerializer[Notice]):
    """A notice in one sentence, with the page of what it is about."""

    sentence = serializers.SerializerMethodField()
    address = serializers.SerializerMethodField()

    class Meta:
        model = Notice
        fields = ("id", "kind", "happened_at", "severity", "sentence", "address")

    def get_sentence(self, notice: Notice) -> str:
        return sentence_of(notice)

    def get_address(self, notice: Notice) -> str:
        return address_of(notice)


class NoticeList(ListAPIView[Notice]):
    """The organisation's notices, newest first."""

    serializer_class = NoticeSerializer
    pagination_class = KeysetPagination
    keyset = Keyset(("-id",))
    queryset = Notice.objects.none()

    def get_queryset(self) -> QuerySet[Notice]:
        kind = self.request.query_params.get("kind")
        found = visible(reader_of(self.request), Notice).select_related(*NAMES)
        if kind is None:
            return found
        if kind not in Kind.values:
            raise unknown_kind(kind, status=400)
        return found.filter(kind=kind)

    @extend_schema(parameters=[OpenApiParameter("kind", str, enum=Kind.values)])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)
