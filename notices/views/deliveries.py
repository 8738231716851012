"""What was sent to a webhook and how it went."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from chipledger import clock
from notices.actions.webhooks import send_again
from notices.events import headers_of, message_id
from notices.forms import DeliveryFilter
from notices.models import Delivery, DeliveryState, Webhook
from notices.rules import check_may_be_sent_again, why_it_waits
from notices.views.webhooks import reason, wake
from portal.doorway import page, refusal_of
from portal.lists import Listing, default_view, export_asked, list_context, views_of
from registry.access import Reader, check_role, get_visible, visible
from registry.models import Role
from web.components import Column, Tone
from web.paging import Keyset

NEWEST = Keyset(("-id",))
LISTING = Listing(
    "deliveries",
    "Deliveries to webhooks",
    (
        Column("Made", key="made_at"),
        Column("Webhook", key="webhook", exports=("webhook", "webhook_id")),
        Column("Kind", key="kind"),
        Column("State", key="state", exports=("state", "error")),
        Column("Attempts", key="attempts", numeric=True),
        Column("Answer", key="status", numeric=True),
        Column("Took", key="duration_ms", numeric=True),
        Column("Next attempt", key="next_attempt_at", exports=("next_attempt_at", "asked_seconds")),
    ),
    (
        *("made_at", "webhook", "webhook_id", "kind", "state", "error"),
        *("attempts", "status", "duration_ms", "next_attempt_at", "asked_seconds"),
    ),
)
TONES = {
    DeliveryState.WAITING: Tone.WAIT,
    DeliveryState.DELIVERED: Tone.GOOD,
    DeliveryState.FAILED: Tone.GAP,
    DeliveryState.DROPPED: Tone.PLAIN,
}


@require_safe
@page
def deliveries(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """What went to the organisation's webhooks, newest first."""
    views = views_of(reader, LISTING)
    if (opened := default_view(request, reader, views)) is not None:
        return opened
    living = visible(reader, Webhook).filter(deleted_at__isnull=True)
    form = DeliveryFilter(request.GET, webhooks=living.order_by("pk"))
    rows = form.narrow(visible(reader, Delivery).filter(webhook__in=living).select_related("webhook"))
    if (file := export_asked(request, LISTING, rows, NEWEST, _cells, form=form)) is not None:
        return file
    found = NEWEST.page(rows, request)
    context = list_context(request, reader, LISTING, views) | {
        "form": form,
        "page": found,
        "rows": [(each, TONES[DeliveryState(each.state)]) for each in found.items],
    }
    return render(request, "notices/deliveries.html", context)


@require_safe
@page
def delivery(request: HttpRequest, reader: Reader, number: UUID) -> HttpResponse:
    """One delivery with what was sent, byte for byte; while it waits, it is asked for again every two seconds."""
    found = _living(reader, number)
    message = message_id(found.uid)
    sent = found.attempted_at and headers_of(message, at=found.attempted_at, signature=found.signature)
    context = {
        "title": f"Delivery to {found.webhook.label}",
        "delivery": found,
        "webhook": found.webhook,
        "message": message,
        "headers": sent,
        "tone": TONES[DeliveryState(found.state)],
        "is_open": found.state == DeliveryState.WAITING,
        "why_it_waits": why_it_waits(found),
        # Some receivers repeat their address, in which they carry a secret.
        "is_administrator": reader.role == Role.ADMINISTRATOR,
        "refusal": refusal_of(reader, Role.ADMINISTRATOR) or reason(check_may_be_sent_again, found),
    }
    whole = not getattr(request, "htmx", False)
    return render(request, "notices/delivery.html" if whole else "notices/delivery_state.html", context)


@require_POST
@page
def again(request: HttpRequest, reader: Reader, number: UUID) -> HttpResponse:
    """Begin a delivery anew."""
    found = _living(reader, number)
    check_role(reader, Role.ADMINISTRATOR)
    send_again(found, by=reader, at=clock.now())
    wake()
    messages.info(request, "It is sent again.")
    return redirect("delivery", number)


def _cells(deliveries: list[Delivery]) -> Iterator[tuple[object, ...]]:
    for each in deliveries:
        yield (
            each.made_at,
            each.webhook.label,
            message_id(each.uid),
            each.kind,
            each.state,
            each.error,
            each.attempts,
            each.status,
            each.duration_ms,
            each.next_attempt_at,
            each.asked_seconds,
        )


def _living(reader: Reader, number: UUID) -> Delivery:
    rows = {"uid": number, "webhook__deleted_at__isnull": True}
    return get_visible(reader, Delivery, **rows)
