"""The book over HTTP: chips and their histories, transfers with their lines and differences."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chipledger import clock
from chipledger.refusals import Refused
from registry.access import get_visible, reader_of, visible
from registry.models import Chip
from tracking import shown
from tracking.models import AccountKind, Difference, MovementLine, Transfer, TransferState
from tracking.queries.as_of import By, read_as_of, read_view, standing_of, standings, steps_until
from tracking.queries.chips import ChipFilter, list_chips
from tracking.queries.history import View, history_of, in_view
from tracking.queries.holdings import placements
from tracking.queries.transfers import lines_of, transfers_towards, with_parties
from tracking.shown import text_parameter
from web.bodies import read_flag
from web.paging import Keyset, KeysetPagination

IN_TIME = [
    OpenApiParameter(
        "as_of", OpenApiTypes.DATE, description="The end of that day in UTC, instead of the present."
    ),
    text_parameter(
        "by",
        "As it was that day by effective time, or as it was known that day by recorded time.",
        [str(by) for by in By],
    ),
    text_parameter(
        "view", "Effective time as first filed, or as last corrected.", [str(view) for view in View]
    ),
]


class ChipsView(ListAPIView[Chip]):
    """Chips that you may see; where they are is null where you may not know it."""

    pagination_class = KeysetPagination
    serializer_class = shown.ChipShown
    keyset = Keyset(("pk",))

    @extend_schema(
        operation_id="list_chips",
        parameters=[
            text_parameter("maker", "Handle of the maker."),
            text_parameter("model", "Code of the chip model."),
            text_parameter("site", "Code of the site where the chips are in the book."),
            text_parameter("holder", "Handle of the organisation that answers for them."),
            text_parameter("state", "Kind of account that they are on.", list(AccountKind.values)),
            *IN_TIME,
        ],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        asked = {
            name: request.query_params.get(name, "") for name in ("maker", "model", "site", "holder", "state")
        }
        reader = reader_of(request)
        day = read_as_of(request.query_params, now=clock.now())
        page = self.paginate_queryset(list_chips(reader, ChipFilter(**asked), day)) or []
        if day is not None:
            stood = standings(page, day, reader=reader)
            return self.get_paginated_response(
                [shown.show_standing(chip, stood.get(chip.pk)) for chip in page]
            )
        where = placements(page, reader=reader)
        return self.get_paginated_response([shown.show_chip(chip, where.get(chip.pk)) for chip in page])


class ChipView(APIView):
    """One chip."""

    @extend_schema(responses=shown.ChipShown, operation_id="get_chip", parameters=IN_TIME)
    def get(self, request: Request, maker: str, serial: str) -> Response:
        """A chip that you may see; where it is, or was on a day, is null where you may not know it."""
        reader = reader_of(request)
        day = read_as_of(request.query_params, now=clock.now())
        chip = _chip(request, maker, serial)
        if day is not None:
            stood = standing_of(chip, history_of(chip, reader=reader), day, reader=reader)
            return Response(shown.show_standing(chip, stood))
        return Response(shown.show_chip(chip, placements([chip], reader=reader).get(chip.pk)))


class ChipHistoryView(APIView):
    """The history of a chip in the book."""

    @extend_schema(responses=shown.HistoryShown, operation_id="get_chip_history", parameters=IN_TIME)
    def get(self, request: Request, maker: str, serial: str) -> Response:
        """Movements in order, each with the statement behind it, as far as you may see them."""
        asked = read_as_of(request.query_params, now=clock.now())
        history = history_of(_chip(request, maker, serial), reader=reader_of(request))
        view = read_view(request.query_params)
        steps = in_view(history, view) if asked is None else steps_until(history, asked)
        return Response({"chip": f"{maker}/{serial}", "steps": [shown.show_step(step) for step in steps]})


class TransfersView(ListAPIView[Transfer]):
    """Transfers that you may see, newest first."""

    pagination_class = KeysetPagination
    serializer_class = shown.TransferShown
    keyset = Keyset(("-pk",))

    @extend_schema(
        operation_id="list_transfers",
        parameters=[
            text_parameter("state", "State of the transfer.", list(TransferState.values)),
            text_parameter("direction", "Only what you sent, or what is sent to you.", ["sent", "incoming"]),
            text_parameter(
                "overdue",
                "Those that should have been received by now, or the others.",
                ["true", "false"],
            ),
        ],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(_transfers(request)) or []
        now = clock.now()
        return self.get_paginated_response([shown.show_transfer(each, at=now) for each in page])


class TransferView(APIView):
    """One transfer."""

    @extend_schema(responses=shown.TransferInFull, operation_id="get_transfer")
    def get(self, request: Request, digest: str) -> Response:
        """A transfer that you may see, with its first lines and its differences; a carrier sees neither."""
        reader = reader_of(request)
        transfer = _transfer(request, digest)
        lines = lines_of(transfer, reader=reader)[: TransferLinesView.pagination_class.page_size]
        differences = (
            visible(reader, Difference)
            .filter(transfer=transfer)
            .select_related("receipt", "settlement", "chip__maker__signer")
        )
        return Response(
            {
                **shown.show_transfer(transfer, at=clock.now()),
                "lines": [shown.show_line(line) for line in lines],
                "lines_url": f"{request.build_absolute_uri(request.path)}/lines",
                "differences": [shown.show_difference(each) for each in differences.order_by("pk")],
            }
        )


class TransferLinesView(ListAPIView[MovementLine]):
    """The chips of a transfer, and what became of each."""

    pagination_class = KeysetPagination
    serializer_class = shown.LineShown
    keyset = Keyset(("chip_id",))

    @extend_schema(operation_id="list_transfer_lines")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        transfer = _transfer(request, kwargs["digest"])
        page = self.paginate_queryset(lines_of(transfer, reader=reader_of(request))) or []
        return self.get_paginated_response([shown.show_line(line) for line in page])


def _chip(request: Request, maker: str, serial: str) -> Chip:
    return get_visible(reader_of(request), Chip, maker__signer__handle=maker, serial=serial)


def _transfer(request: Request, digest: str) -> Transfer:
    transfers = with_parties(visible(reader_of(request), Transfer))
    transfer = transfers.filter(digest=bytes.fromhex(digest)).first()
    if transfer is None:
        raise Http404
    return transfer


def _transfers(request: Request) -> QuerySet[Transfer]:
    reader = reader_of(request)
    found = with_parties(visible(reader, Transfer))
    state, direction = request.query_params.get("state", ""), request.query_params.get("direction", "")
    if state:
        if state not in TransferState.values:
            states = ", ".join(TransferState.values)
            raise Refused("bad_state", f"Choose a state from {states}.", field="state", status=400)
        found = found.filter(state=state)
    if direction:
        found = transfers_towards(found, direction, of=reader.organisation)
    if (overdue := read_flag(request, "overdue")) is not None:
        late = Q(closed_at__isnull=True, due_at__lt=clock.now())
        found = found.filter(late if overdue else ~late)
    return found
