"""Webhooks of an organisation: where they go, their secrets, shown once, and what was done to them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeVar

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from chipledger import clock
from chipledger.refusals import Refused
from notices import tasks
from notices.actions import webhooks as deeds
from notices.forms import WebhookForm
from notices.models import Webhook
from notices.queries import history_of
from notices.rules import check_is_on
from portal.doorway import after_signing_in_anew, page, refusal_of
from registry.access import Reader, check_role, get_visible, visible
from registry.models import Role
from web.components import Column
from web.refusals import status_of

T = TypeVar("T")
COLUMNS = tuple(Column(label) for label in ("Name", "Goes to", "Kinds", "State", "Last delivered"))
HISTORY = tuple(Column(label) for label in ("When", "What", "By"))

SIMPLE: Final[dict[str, tuple[Callable[..., None], str]]] = {
    "disable": (deeds.disable_webhook, "It is switched off. What was waiting was not sent."),
    "enable": (deeds.enable_webhook, "It is switched on, and told of what happens from now on."),
    "delete": (deeds.delete_webhook, "It is deleted, and its signing secret with it."),
}


@never_cache
@require_http_methods(["GET", "POST"])
@page
def webhooks(request: HttpRequest, reader: Reader) -> HttpResponse:
    """The organisation's webhooks; an administrator adds further ones."""
    if request.method == "POST":
        check_role(reader, Role.ADMINISTRATOR)
        return _add(request, reader)
    return _show_all(request, reader, WebhookForm())


@after_signing_in_anew
def _add(request: HttpRequest, reader: Reader) -> HttpResponse:
    form = WebhookForm(request.POST)
    if form.is_valid():
        try:
            webhook, secret = deeds.add_webhook(**form.cleaned_data, by=reader, at=clock.now())
        except Refused as refused:
            _show_refusal(form, refused)
        else:
            return _show(request, reader, webhook, secret=secret, status=201)
    return _show_all(request, reader, form)


@never_cache
@require_http_methods(["GET", "POST"])
@page
def webhook(request: HttpRequest, reader: Reader, number: int) -> HttpResponse:
    """One webhook, what was done to it, and what an administrator may change."""
    found = _living(reader, number)
    if request.method == "POST":
        check_role(reader, Role.ADMINISTRATOR)
        return _change(request, reader, found)
    return _show(request, reader, found)


@after_signing_in_anew
def _change(request: HttpRequest, reader: Reader, found: Webhook) -> HttpResponse:
    form = WebhookForm(request.POST)
    if form.is_valid():
        try:
            deeds.change_webhook(found, **form.cleaned_data, by=reader, at=clock.now())
        except Refused as refused:
            _show_refusal(form, refused)
        else:
            messages.success(request, "The webhook is changed.")
            return redirect("webhook", found.pk)
    return _show(request, reader, found, form=form, status=status_of(form))


@never_cache
@require_POST
@page
def act(request: HttpRequest, reader: Reader, number: int) -> HttpResponse:
    """Rotate the secret, switch off or on, delete, or send a test event."""
    found = _living(reader, number)
    check_role(reader, Role.ADMINISTRATOR)
    if request.POST.get("do") == "test":
        delivery = deeds.send_test(found, by=reader, at=clock.now())
        wake()
        return redirect("delivery", delivery.uid)
    return _act(request, reader, found)


@after_signing_in_anew
def _act(request: HttpRequest, reader: Reader, found: Webhook) -> HttpResponse:
    now: datetime = clock.now()
    deed = request.POST.get("do", "")
    if deed == "rotate":
        secret = deeds.rotate_secret(found, by=reader, at=now)
        found.refresh_from_db()
        return _show(request, reader, found, secret=secret)
    if deed not in SIMPLE:
        raise Refused(
            "bad_deed",
            "A webhook is not changed in this way; use a button of its page.",
            field="do",
            value=deed,
            status=400,
        )
    action, sentence = SIMPLE[deed]
    action(found, by=reader, at=now)
    messages.success(request, sentence)
    return redirect("webhooks") if deed == "delete" else redirect("webhook", found.pk)


WAKE_SECONDS = 5
"""Beat wakes the deliveries as often; what is older has been done."""


def wake() -> None:
    """Have what waits posted now; without a broker, beat has it posted in a few seconds."""

    def wake_worker() -> None:
        tasks.deliver.apply_async(expires=WAKE_SECONDS)

    transaction.on_commit(wake_worker, robust=True)


def reason(check: Callable[[T], None], of: T) -> Refused | None:
    """Why a rule stands against something, for the disabled button; None when it does not."""
    try:
        check(of)
    except Refused as refused:
        return refused
    return None


def _living(reader: Reader, number: int) -> Webhook:
    return get_visible(reader, Webhook, pk=number, deleted_at__isnull=True)


def _show_refusal(form: WebhookForm, refused: Refused) -> None:
    form.add_error(refused.field if refused.field in form.fields else None, refused.sentence)


def _show_all(request: HttpRequest, reader: Reader, form: WebhookForm) -> HttpResponse:
    living = visible(reader, Webhook).filter(deleted_at__isnull=True)
    context = {
        "title": "Webhooks",
        "rows": living.order_by("pk"),
        "columns": COLUMNS,
        "form": form,
        "refusal": refusal_of(reader, Role.ADMINISTRATOR),
    }
    return render(request, "notices/webhooks.html", context, status=status_of(form))


def _show(
    request: HttpRequest,
    reader: Reader,
    found: Webhook,
    *,
    form: WebhookForm | None = None,
    secret: str = "",
    status: int = 200,
) -> HttpResponse:
    said = {"label": found.label, "url": found.url, "kinds": found.kinds}
    refusal = refusal_of(reader, Role.ADMINISTRATOR)
    context = {
        "title": found.label,
        "webhook": found,
        "overlaps": found.previous_until is not None and clock.now() < found.previous_until,
        "history": history_of(reader, found),
        "history_columns": HISTORY,
        "form": form or WebhookForm(initial=said),
        "secret": secret,
        "refusal": refusal,
        "test_refusal": refusal or reason(check_is_on, found),
    }
    return render(request, "notices/webhook.html", context, status=status)
