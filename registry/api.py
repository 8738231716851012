"""The register over HTTP: organisations, chip models, sites, applications, and the tokens of an organisation."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Prefetch, QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chipledger import clock
from ledger.models import SignerKind
from registry.access import check_role, get_visible, reader_of, visible
from registry.actions.joining import apply_to_join
from registry.actions.tokens import LONGEST_LIFE, SCOPES, issue_token, revoke_token
from registry.models import (
    ApiToken,
    Application,
    ChipModel,
    NetworkLink,
    Organisation,
    Ownership,
    Reading,
    Role,
    Site,
)
from registry.tokens import living_token
from web.bodies import StrictSerializer
from web.paging import Keyset, KeysetPagination


class OwnershipSerializer(serializers.ModelSerializer[Ownership]):
    """A direct share of another organisation, in basis points, with the days it began and ended."""

    organisation = serializers.CharField(source="owner.signer.handle")

    class Meta:
        model = Ownership
        fields = ("organisation", "share_bp", "since", "until")


class OrganisationSerializer(serializers.ModelSerializer[Organisation]):
    """An entry of the published register of organisations."""

    handle = serializers.CharField(source="signer.handle")
    kind = serializers.CharField(source="signer.kind")
    standing = serializers.CharField(source="signer.standing")
    owners = OwnershipSerializer(source="owned_by", many=True)

    class Meta:
        model = Organisation
        fields = ("handle", "name", "kind", "standing", "countries", "owners")


class ChipModelSerializer(serializers.ModelSerializer[ChipModel]):
    """A chip model with its dense figures: 1e9 operations a second, decimal megabytes, GB/s, watts."""

    maker = serializers.CharField(source="maker.signer.handle")
    gflops = serializers.DictField(child=serializers.IntegerField())

    class Meta:
        model = ChipModel
        fields = (
            "code", "name", "maker", "gflops", "fp16_gflops", "tpp", "memory_mb", "memory_kind", "counted_memory_mb",
            "memory_bandwidth_gbs", "tdp_w",
        )  # fmt: skip


class NetworkLinkSerializer(serializers.ModelSerializer[NetworkLink]):
    """An aggregate link to another site, in Mbit/s."""

    site = serializers.CharField(source="other.code")

    class Meta:
        model = NetworkLink
        fields = ("site", "mbit_s")


class SiteSerializer(serializers.ModelSerializer[Site]):
    """A site as declared; coordinates in units of 1e-7 degree. ``statement`` is what an amendment builds on."""

    organisation = serializers.CharField(source="organisation.signer.handle")
    links = NetworkLinkSerializer(many=True)
    statement = serializers.SerializerMethodField()

    class Meta:
        model = Site
        fields = (
            "code", "organisation", "name", "country", "latitude_e7", "longitude_e7", "power_kw", "slots", "links",
            "declared_at", "statement",
        )  # fmt: skip

    def get_statement(self, site: Site) -> str:
        return bytes(site.statement.digest).hex()


class ApplicationRequestSerializer(StrictSerializer):
    """What an organisation says to be let in; ``spki`` is its first administrator's public key, base64 DER."""

    handle = serializers.RegexField(r"^[a-z0-9][a-z0-9-]{1,62}$")
    name = serializers.RegexField(r"\S", max_length=200)
    kind = serializers.ChoiceField(choices=SignerKind.choices)
    countries = serializers.ListField(
        child=serializers.RegexField(r"^[A-Z]{2}$"), min_length=1, max_length=250
    )
    email = serializers.EmailField(max_length=254)
    spki = serializers.RegexField(r"^[A-Za-z0-9+/]+={0,2}$", max_length=4096)


class ApplicationSerializer(serializers.ModelSerializer[Application]):
    """An application as its applicant sees it."""

    class Meta:
        model = Application
        fields = ("handle", "state", "applied_at")


class TokenRequestSerializer(StrictSerializer):
    """A token to be made."""

    label = serializers.RegexField(r"\S", max_length=80)  # type: ignore[assignment] # a field of that name, not the form's label
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=SCOPES), min_length=1)
    days = serializers.IntegerField(min_value=1, max_value=LONGEST_LIFE.days, default=90)


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    """A token without its secret, which nobody keeps."""

    class Meta:
        model = ApiToken
        fields = ("id", "label", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at")


class NewTokenSerializer(TokenSerializer):
    """A token just made; ``secret`` is shown this once."""

    secret = serializers.SerializerMethodField()

    class Meta(TokenSerializer.Meta):
        fields = (*TokenSerializer.Meta.fields, "secret")  # type: ignore[assignment] # one more than the parent's

    def get_secret(self, token: ApiToken) -> str:
        return str(self.context["secret"])


class ReadingSerializer(serializers.ModelSerializer[Reading]):
    """An answer that was made from rows of others: to whom (a pseudonym, empty for a program), where, and of what."""

    class Meta:
        model = Reading
        fields = ("person", "address", "kinds", "read_at")


class OrganisationList(ListAPIView[Organisation]):
    """Organisations that were admitted, by handle."""

    serializer_class = OrganisationSerializer
    pagination_class = KeysetPagination
    keyset = Keyset(("signer__handle",))
    queryset = Organisation.objects.none()

    def get_queryset(self) -> QuerySet[Organisation]:
        organisations = visible(reader_of(self.request), Organisation).select_related("signer")
        shares = Ownership.objects.select_related("owner__signer").order_by("since", "pk")
        return organisations.prefetch_related(Prefetch("owned_by", shares))


class ChipModelList(ListAPIView[ChipModel]):
    """Published chip models, by code."""

    serializer_class = ChipModelSerializer
    pagination_class = KeysetPagination
    keyset = Keyset(("code",))
    queryset = ChipModel.objects.none()

    def get_queryset(self) -> QuerySet[ChipModel]:
        return visible(reader_of(self.request), ChipModel).select_related("maker__signer")


class ChipModelDetail(APIView):
    """One chip model."""

    @extend_schema(responses=ChipModelSerializer)
    def get(self, request: Request, code: str) -> Response:
        return Response(ChipModelSerializer(get_visible(reader_of(request), ChipModel, code=code)).data)


class SiteList(ListAPIView[Site]):
    """Sites that the reader may see, by code."""

    serializer_class = SiteSerializer
    pagination_class = KeysetPagination
    keyset = Keyset(("code",))
    queryset = Site.objects.none()

    def get_queryset(self) -> QuerySet[Site]:
        sites = visible(reader_of(self.request), Site)
        return sites.select_related("organisation__signer", "statement").prefetch_related("links__other")


class SiteDetail(APIView):
    """One site; a stranger's does not exist."""

    @extend_schema(responses=SiteSerializer)
    def get(self, request: Request, code: str) -> Response:
        return Response(SiteSerializer(get_visible(reader_of(request), Site, code=code)).data)


class ApplicationCreate(APIView):
    """Ask to be let in. Open to everybody; a handle has one open application at a time."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(request=ApplicationRequestSerializer, responses={201: ApplicationSerializer}, auth=[])
    def post(self, request: Request) -> Response:
        asked = ApplicationRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        application = apply_to_join(**asked.validated_data, at=clock.now())
        return Response(ApplicationSerializer(application).data, status=status.HTTP_201_CREATED)


class TokenList(ListAPIView[ApiToken]):
    """The organisation's tokens, for its administrators."""

    serializer_class = TokenSerializer
    pagination_class = KeysetPagination
    keyset = Keyset(("-id",))
    queryset = ApiToken.objects.none()

    def get_queryset(self) -> QuerySet[ApiToken]:
        reader = reader_of(self.request)
        check_role(reader, Role.ADMINISTRATOR)
        return visible(reader, ApiToken)

    @extend_schema(request=TokenRequestSerializer, responses={201: NewTokenSerializer})
    def post(self, request: Request) -> Response:
        """Make a token; its secret is in this answer and nowhere else."""
        reader = reader_of(request)
        check_role(reader, Role.ADMINISTRATOR)
        asked = TokenRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        now = clock.now()
        secret = issue_token(
            reader.organisation,
            by=reader.person,
            label=asked.validated_data["label"],
            scopes=asked.validated_data["scopes"],
            at=now,
            lifetime=timedelta(days=asked.validated_data["days"]),
        )
        token = living_token(secret, at=now)
        return Response(
            NewTokenSerializer(token, context={"secret": secret}).data, status=status.HTTP_201_CREATED
        )


class TokenDetail(APIView):
    """One token, to be ended."""

    @extend_schema(
        parameters=[OpenApiParameter("token", int, OpenApiParameter.PATH)],
        responses={204: OpenApiResponse(description="The token has ended.")},
    )
    def delete(self, request: Request, token: int) -> HttpResponse:
        reader = reader_of(request)
        check_role(reader, Role.ADMINISTRATOR)
        revoke_token(get_visible(reader, ApiToken, pk=token), at=clock.now())
        return HttpResponse(status=status.HTTP_204_NO_CONTENT)


class ReadingList(ListAPIView[Reading]):
    """What colleagues and programs read of others, newest first; for administrators."""

    serializer_class = ReadingSerializer
    pagination_class = KeysetPagination
    keyset = Keyset(("-id",))
    queryset = Reading.objects.none()

    def get_queryset(self) -> QuerySet[Reading]:
        reader = reader_of(self.request)
        check_role(reader, Role.ADMINISTRATOR)
        return visible(reader, Reading)
