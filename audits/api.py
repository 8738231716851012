"""Findings, clusters and balances over HTTP, each reader's own part of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audits import queries
from audits.models import Balance, Cluster, Finding
from audits.rules import RULE_OF
from registry.access import Reader, get_visible, reader_of, visible
from web.bodies import read_flag
from web.paging import Keyset, KeysetPagination


class FindingSerializer(serializers.ModelSerializer[Finding]):
    """A finding as this reader may see it: ``confidential`` and third parties are for regulators alone."""

    finding = serializers.SerializerMethodField()
    organisation = serializers.CharField(source="organisation.signer.handle")
    counterparty = serializers.SerializerMethodField()
    site = serializers.SerializerMethodField()
    policy = serializers.SerializerMethodField()
    frozen = serializers.SerializerMethodField()
    next_step = serializers.SerializerMethodField()

    class Meta:
        model = Finding
        fields = (
            "finding", "rule", "nature", "severity", "subject", "organisation", "counterparty", "site", "policy",
            "state", "closing", "root_cause", "began_at", "opened_at", "refreshed_at", "due_at", "explained_at",
            "closed_at", "next_step", "frozen",
        )  # fmt: skip

    def get_finding(self, finding: Finding) -> str:
        return finding.uid.hex

    def get_counterparty(self, finding: Finding) -> str | None:
        is_told = self._reader.is_regulator or finding.transfer_id is not None
        return finding.counterparty.signer.handle if finding.counterparty and is_told else None

    def get_site(self, finding: Finding) -> str | None:
        return finding.site.code if finding.site else None

    def get_policy(self, finding: Finding) -> str | None:
        return finding.policy.code if finding.policy else None

    def get_frozen(self, finding: Finding) -> dict[str, Any]:
        hidden = set() if self._reader.is_regulator else {"confidential"}
        return {name: value for name, value in finding.frozen.items() if name not in hidden}

    def get_next_step(self, finding: Finding) -> str:
        return RULE_OF[finding.rule].next_step

    @property
    def _reader(self) -> Reader:
        return reader_of(self.context["request"])


class ClusterSerializer(serializers.ModelSerializer[Cluster]):
    """A cluster against a policy: TPP, 1e9 FP16 operations a second, megabytes of counted memory."""

    policy = serializers.CharField(source="policy.code")
    organisation = serializers.CharField(source="organisation.signer.handle")
    above_tpp = serializers.IntegerField(source="policy.above_tpp", allow_null=True)
    above_fp16_gflops = serializers.IntegerField(source="policy.above_fp16_gflops", allow_null=True)
    above_memory_mb = serializers.IntegerField(source="policy.above_memory_mb", allow_null=True)

    class Meta:
        model = Cluster
        fields = (
            "policy", "key", "organisation", "countries", "member_count", "chips", "tpp", "above_tpp", "fp16_gflops",
            "above_fp16_gflops", "memory_mb", "above_memory_mb", "is_above", "one_is_enough", "is_declared",
            "measured_at",
        )  # fmt: skip


class BalanceSerializer(serializers.ModelSerializer[Balance]):
    """Book against silicon at one site, in chips; ``unaccounted`` is installed − seen in the hardware grade."""

    organisation = serializers.CharField(source="organisation.signer.handle")
    site = serializers.CharField(source="site.code")

    class Meta:
        model = Balance
        fields = (
            "organisation", "site", "on_hand", "installed", "seen_hardware", "seen_inspected", "seen_host",
            "seen_weaker", "unaccounted", "in_transit", "lost", "stolen", "retired", "destroyed", "exported",
            "measured_at",
        )  # fmt: skip


FINDING_FILTERS = [
    OpenApiParameter("rule", str, enum=sorted(RULE_OF), description="Code of a rule."),
    OpenApiParameter(
        "severity", {"type": "integer", "minimum": 1, "maximum": 5}, description="The least severity."
    ),
    OpenApiParameter("state", str, enum=["open", "explained", "closed", "unresolved"]),
    OpenApiParameter("organisation", str, description="Handle of the organisation that must explain."),
    OpenApiParameter("site", str, description="Code of the site."),
    OpenApiParameter("country", str, description="Country of the site."),
]
PLACE_FILTERS = [
    OpenApiParameter("organisation", str, description="Handle of the organisation."),
    OpenApiParameter("site", str, description="Code of the site."),
]


def filter_of(request: Request) -> queries.FindingFilter:
    """What the address narrows a list of findings to."""
    asked = request.query_params
    severity = asked.get("severity")
    if severity is not None and severity not in ("1", "2", "3", "4", "5"):
        raise queries.bad_severity(severity)
    return queries.FindingFilter(
        rule=asked.get("rule"),
        severity=None if severity is None else int(severity),
        state=asked.get("state"),
        organisation=asked.get("organisation"),
        site=asked.get("site"),
        country=asked.get("country"),
    )


class FindingList(ListAPIView[Finding]):
    """Findings that the reader may see, the gravest first."""

    serializer_class = FindingSerializer
    pagination_class = KeysetPagination
    keyset = Keyset(("-severity", "-id"))
    queryset = Finding.objects.none()

    def get_queryset(self) -> QuerySet[Finding]:
        mine = visible(reader_of(self.request), Finding)
        return queries.with_names(filter_of(self.request).narrow(mine))

    @extend_schema(parameters=FINDING_FILTERS)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class FindingDetail(APIView):
    """One finding, by the number that explanations and decisions name."""

    @extend_schema(responses=FindingSerializer)
    def get(self, request: Request, uid: str) -> Response:
        try:
            number = UUID(uid)
        except ValueError:
            raise Http404 from None
        finding = get_visible(reader_of(request), Finding, uid=number)
        return Response(FindingSerializer(finding, context={"request": request}).data)


class ClusterList(ListAPIView[Cluster]):
    """Clusters as the newest sweep measured them, the strongest first."""

    serializer_class = ClusterSerializer
    pagination_class = KeysetPagination
    keyset = Keyset(("-tpp", "-id"))
    queryset = Cluster.objects.none()

    def get_queryset(self) -> QuerySet[Cluster]:
        asked = self.request.query_params
        clusters = visible(reader_of(self.request), Cluster).select_related("policy", "organisation__signer")
        if code := asked.get("policy"):
            clusters = clusters.filter(policy__code=code)
        if handle := asked.get("organisation"):
            clusters = clusters.filter(organisation__signer__handle=handle)
        if (above := read_flag(self.request, "above")) is not None:
            clusters = clusters.filter(is_above=above)
        return clusters

    @extend_schema(
        parameters=[
            OpenApiParameter("policy", str, description="Code of a policy."),
            OpenApiParameter("organisation", str, description="Handle of the operator or owner."),
            OpenApiParameter(
                "above", str, enum=["true", "false"], description="Only those above the line, or below."
            ),
        ]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class BalanceList(ListAPIView[Balance]):
    """Balances as the newest sweep measured them, those with most unaccounted chips first."""

    serializer_class = BalanceSerializer
    pagination_class = KeysetPagination
    keyset = Keyset(("-unaccounted", "-id"))
    queryset = Balance.objects.none()

    def get_queryset(self) -> QuerySet[Balance]:
        asked = self.request.query_params
        balances = visible(reader_of(self.request), Balance).select_related("organisation__signer", "site")
        if handle := asked.get("organisation"):
            balances = balances.filter(organisation__signer__handle=handle)
        if code := asked.get("site"):
            balances = balances.filter(site__code=code)
        return balances

    @extend_schema(parameters=PLACE_FILTERS)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)
