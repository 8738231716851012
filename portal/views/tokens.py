"""Credentials of programs: shown once, kept as a hash, ended at will."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from chipledger import clock
from portal.doorway import after_signing_in_anew, page, refusal_of
from portal.forms.machines import TokenFilter, TokenForm
from portal.lists import Listing, default_view, export_asked, list_context, views_of
from registry.access import Reader, check_role, get_visible, visible
from registry.actions.tokens import issue_token, revoke_token
from registry.models import ApiToken, Role
from web.components import Column
from web.paging import Keyset

NEWEST = Keyset(("-id",))
LISTING = Listing(
    "tokens",
    "API tokens",
    (
        Column("For", key="label"),
        Column("Scopes", key="scopes"),
        Column("Made by", key="made_by"),
        Column("Made", key="created_at"),
        Column("State", key="state", exports=("state", "expires_at", "revoked_at")),
        Column("Last used", key="last_used_at"),
    ),
    ("label", "scopes", "made_by", "created_at", "state", "expires_at", "revoked_at", "last_used_at"),
)


@never_cache
@require_http_methods(["GET", "POST"])
@page
def tokens(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """The organisation's tokens; an administrator makes further ones."""
    return _create(request, reader) if request.method == "POST" else _show(request, reader, TokenForm())


@after_signing_in_anew
def _create(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    check_role(reader, Role.ADMINISTRATOR)
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _show(request, reader, form, status=422)
    said = form.cleaned_data
    secret = issue_token(
        reader.organisation,
        by=reader.person,
        label=said["label"],
        scopes=said["scopes"],
        at=clock.now(),
        lifetime=timedelta(days=said["days"]),
    )
    return _show(request, reader, TokenForm(), secret=secret, status=201)


@require_POST
@page
def revoke(request: HttpRequest, reader: Reader, number: int) -> HttpResponse:
    """End a token now."""
    check_role(reader, Role.ADMINISTRATOR)
    token = get_visible(reader, ApiToken, pk=number)
    revoke_token(token, at=clock.now())
    messages.info(request, f"The token for {token.label} has ended.")
    return redirect("tokens")


def _show(
    request: HttpRequest, reader: Reader, form: TokenForm, *, secret: str = "", status: int = 200
) -> HttpResponseBase:
    now = clock.now()
    views = views_of(reader, LISTING)
    if status == 200 and (opened := default_view(request, reader, views)) is not None:
        return opened
    narrowing = TokenFilter(request.GET)
    rows = narrowing.narrow(visible(reader, ApiToken).select_related("person"), at=now)
    file = export_asked(
        request, LISTING, rows, NEWEST, lambda batch: (_cells(each, now) for each in batch), form=narrowing
    )
    if file is not None:
        return file
    shown = NEWEST.page(rows, request)
    context = list_context(request, reader, LISTING, views) | {
        "page": shown,
        "rows": [(token, _state_of(token, now)) for token in shown.items],
        "narrowing": narrowing,
        "form": form,
        "secret": secret,
        "origin": request.build_absolute_uri("/")[:-1],
        "refusal": refusal_of(reader, Role.ADMINISTRATOR),
    }
    return render(request, "portal/tokens.html", context, status=status)


def _state_of(token: ApiToken, now: datetime) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "works" if token.expires_at > now else "expired"


def _cells(token: ApiToken, now: datetime) -> tuple[object, ...]:
    return (
        token.label,
        " ".join(token.scopes),
        str(token.person) if token.person else "",
        token.created_at,
        _state_of(token, now),
        token.expires_at,
        token.revoked_at,
        token.last_used_at,
    )
