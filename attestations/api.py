"""The API of the silicon: nonces for gateways, and what is known of where a chip proved to be."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from attestations.models import IdentityGrade, PlaceGrade, Sighting
from attestations.nonces import expiry_of, issue_nonce, open_nonce
from attestations.queries import Stay, last_of_chain, sightings_of, stays_of
from attestations.rules import Freshness, freshness
from chipledger import clock
from chipledger.refusals import Refused
from chipledger.statements.common import format_instant
from registry.access import get_visible, reader_of, visible
from registry.models import Chip, Site
from web.bodies import StrictSerializer


class NonceAsked(StrictSerializer):
    """The site whose chips will answer."""

    site = serializers.RegexField(r"^[a-z0-9][a-z0-9-]{1,62}$")


class NonceIssued(serializers.Serializer[dict[str, str]]):
    """A nonce for one batch, and the instant until which the batch is accepted."""

    nonce = serializers.CharField()
    expires_at = serializers.DateTimeField()


class SightingShown(serializers.Serializer[dict[str, object]]):
    """The latest evidence of a chip in one identity grade."""

    identity = serializers.ChoiceField([grade.name.lower() for grade in IdentityGrade])
    place = serializers.ChoiceField([grade.name.lower() for grade in PlaceGrade])
    site = serializers.CharField()
    seen_at = serializers.DateTimeField()
    present_since = serializers.DateTimeField()
    statement = serializers.CharField(help_text="Digest of the statement that carried the evidence.")


class StayShown(serializers.Serializer[dict[str, object]]):
    """A time in which the chip kept proving that it was at a site."""

    site = serializers.CharField()
    began_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField()
    is_latest = serializers.BooleanField()


class ChipSightings(serializers.Serializer[dict[str, object]]):
    """What the silicon said of a chip, as far as the reader may see it.

    `next_seq_after` and `prev` are what the chip's next evidence must go on from.
    """

    chip = serializers.CharField()
    freshness = serializers.ChoiceField([str(each) for each in Freshness])
    next_seq_after = serializers.IntegerField(allow_null=True)
    prev = serializers.CharField(allow_null=True)
    sightings = SightingShown(many=True)
    presence = StayShown(many=True)


class NonceView(APIView):
    """Nonces for a gateway."""

    @extend_schema(request=NonceAsked, responses={201: NonceIssued}, operation_id="issue_nonce")
    def post(self, request: Request) -> Response:
        """A nonce for one batch of evidence from one of your sites."""
        asked = NonceAsked(data=request.data)
        asked.is_valid(raise_exception=True)
        reader = reader_of(request)
        code = asked.validated_data["site"]
        if not visible(reader, Site).filter(code=code, organisation=reader.organisation).exists():
            raise Refused(
                "unknown_site",
                "Your organisation has no site of this code; declare it first.",
                field="site",
                value=code,
                status=404,
            )
        at = clock.now()
        nonce = issue_nonce(code, reader.handle, at)
        expires_at = expiry_of(open_nonce(nonce, code, reader.handle, at))
        return Response({"nonce": nonce, "expires_at": format_instant(expires_at)}, status=201)


class SightingsView(APIView):
    """The silicon's account of a chip."""

    @extend_schema(responses=ChipSightings, operation_id="chip_sightings")
    def get(self, request: Request, maker: str, serial: str) -> Response:
        """Latest evidence and stays of a chip that you may see."""
        reader = reader_of(request)
        chip = get_visible(reader, Chip, maker__signer__handle=maker, serial=serial)
        sightings = list(sightings_of(chip, reader=reader))
        last = last_of_chain(chip)
        seen_at = max((sighting.seen_at for sighting in sightings), default=None)
        return Response(
            {
                "chip": f"{maker}/{serial}",
                "freshness": freshness(seen_at, at=clock.now()),
                "next_seq_after": last.seq if last else None,
                "prev": bytes(last.claims_sha256).hex() if last else None,
                "sightings": [_show_sighting(sighting) for sighting in sightings],
                "presence": [_show_stay(stay) for stay in stays_of(chip, reader=reader)],
            }
        )


def _show_sighting(sighting: Sighting) -> dict[str, object]:
    return {
        "identity": IdentityGrade(sighting.identity).name.lower(),
        "place": PlaceGrade(sighting.place).name.lower(),
        "site": sighting.site.code,
        "seen_at": format_instant(sighting.seen_at),
        "present_since": format_instant(sighting.present_since),
        "statement": bytes(sighting.statement.digest).hex(),
    }


def _show_stay(stay: Stay) -> dict[str, object]:
    return {
        "site": stay.site.code,
        "began_at": format_instant(stay.began_at),
        "ended_at": format_instant(stay.ended_at),
        "is_latest": stay.is_latest,
    }
