"""Credentials of programs: shown once, kept as a hash, ended at will."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from chipledger import clock
from portal.doorway import after_signing_in_anew, page, refusal_of
from portal.forms.papers import TokenForm
from registry.access import Reader, check_role, get_visible, visible
from registry.actions.tokens import issue_token, revoke_token
from registry.models import ApiToken, Role
from web.components import Column

COLUMNS = (
    Column("For"),
    Column("Scopes"),
    Column("Created"),
    Column("Until"),
    Column("Last used"),
    Column(""),
)


@never_cache
@require_http_methods(["GET", "POST"])
@page
def tokens(request: HttpRequest, reader: Reader) -> HttpResponse:
    """The organisation's tokens; an administrator makes further ones."""
    return _create(request, reader) if request.method == "POST" else _show(request, reader, TokenForm())


@after_signing_in_anew
def _create(request: HttpRequest, reader: Reader) -> HttpResponse:
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
    token = get_visible(reader, ApiToken, pk=number)
    revoke_token(token, at=clock.now())
    messages.info(request, f"The token for {token.label} has ended.")
    return redirect("tokens")


def _show(
    request: HttpRequest, reader: Reader, form: TokenForm, *, secret: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "title": "API tokens",
        "rows": visible(reader, ApiToken).order_by("revoked_at", "-id")[:200],
        "columns": COLUMNS,
        "form": form,
        "secret": secret,
        "refusal": refusal_of(reader, Role.ADMINISTRATOR),
    }
    return render(request, "portal/tokens.html", context, status=status)
