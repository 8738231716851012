"""What was sent to a webhook and how it went."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from chipledger import clock
from notices.actions.webhooks import send_again
from notices.events import headers_of, message_id
from notices.forms import DeliveryFilter
from notices.models import Delivery, DeliveryState, Webhook
from notices.rules import check_may_be_sent_again
from notices.views.webhooks import reason, wake
from portal.doorway import page, refusal_of
from registry.access import Reader, check_role, get_visible, visible
from registry.models import Role
from web.components import Column, Tone
from web.paging import Keyset

NEWEST = Keyset(("-id",))
COLUMNS = (
    Column("Made"),
    Column("Kind"),
    Column("State"),
    Column("Attempts", numeric=True),
    Column("Answer", numeric=True),
    Column("Took", numeric=True),
    Column("Next attempt"),
    Column(""),
)
TONES = {
    DeliveryState.WAITING: Tone.WAIT,
    DeliveryState.DELIVERED: Tone.GOOD,
    DeliveryState.FAILED: Tone.GAP,
    DeliveryState.DROPPED: Tone.PLAIN,
}


@require_safe
@page
def deliveries(request: HttpRequest, reader: Reader, number: int) -> HttpResponse:
    """The deliveries of a webhook, newest first."""
    webhook = get_visible(reader, Webhook, pk=number, deleted_at__isnull=True)
    form = DeliveryFilter(request.GET)
    found = NEWEST.page(form.narrow(visible(reader, Delivery).filter(webhook=webhook)), request)
    context = {
        "title": f"Deliveries to {webhook.label}",
        "webhook": webhook,
        "form": form,
        "page": found,
        "rows": [(each, TONES[DeliveryState(each.state)]) for each in found.items],
        "columns": COLUMNS,
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


def _living(reader: Reader, number: UUID) -> Delivery:
    rows = {"uid": number, "webhook__deleted_at__isnull": True}
    return get_visible(reader, Delivery, **rows)
