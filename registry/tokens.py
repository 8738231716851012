"""How a program or a signed-in page proves for which organisation it asks the API."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from chipledger import clock
from registry.access import Reader, reader_for, reader_of
from registry.actions.tokens import issue_token as issue_token
from registry.models import ApiToken, Role

USE_NOTED_EVERY = timedelta(minutes=10)


def living_token(secret: str, *, at: datetime) -> ApiToken | None:
    """The token that this secret is of, unless it was revoked or has ended, or its person was shut out."""
    return (
        ApiToken.objects.select_related("organisation__signer", "person")
        .filter(
            sha256=hashlib.sha256(secret.encode()).hexdigest(), revoked_at__isnull=True, expires_at__gt=at
        )
        .exclude(person__is_active=False)
        .first()
    )


class TokenAuthentication(BaseAuthentication):
    """``Authorization: Bearer clt_…``; the token must live, and its scopes must cover the method."""

    def authenticate(self, request: Request) -> tuple[object, Reader] | None:
        said = request.headers.get("Authorization")
        if said is None:
            return None
        scheme, _, secret = said.partition(" ")
        now = clock.now()
        token = living_token(secret, at=now) if scheme.lower() == "bearer" else None
        if token is None:  # nor does a cookie beside it count: who shows a credential means it
            raise AuthenticationFailed("The token is unknown, revoked or expired.")
        if token.last_used_at is None or token.last_used_at < now - USE_NOTED_EVERY:
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
        reader = reader_for(
            token.organisation, role=Role.SIGNATORY, person=token.person, scopes=frozenset(token.scopes)
        )
        check_scope(request, reader)
        return token.person or _Program(), reader

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class PageAuthentication(SessionAuthentication):
    """The signed-in person's own browser, with the usual protection against forged requests."""

    def authenticate(self, request: Request) -> tuple[object, Reader] | None:
        found = super().authenticate(request)
        if found is None:
            return None
        original: HttpRequest = request._request
        return found[0], reader_of(original)

    def enforce_csrf(self, request: Request) -> None:
        """Look for the page's token without parsing the body, which a view may want byte for byte."""
        super().enforce_csrf(request._request)  # type: ignore[arg-type] # it only reads what Django's has


class _Program:
    """The user of a token that no person stands behind."""

    is_authenticated = True
    is_active = True


def check_scope(request: Request, reader: Reader) -> None:
    """Reading needs ``read`` or ``write``; anything else ``write``, or ``attest`` on the paths a gateway uses."""
    if request.method in SAFE_METHODS:
        needed = {"read", "write"}
    elif request.path.rstrip("/").endswith(("/nonces", "/statements")):
        needed = {"write", "attest"}
    else:
        needed = {"write"}
    if not reader.scopes & needed:
        raise PermissionDenied(
            f"This token's scopes do not allow it; it needs one of: {', '.join(sorted(needed))}."
        )
