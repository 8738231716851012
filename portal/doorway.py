"""Who stands before a page: signed in, reading for one organisation, in a role."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from allauth.account.decorators import reauthentication_required
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from chipledger.refusals import Refused
from ledger.models import SignerKind
from registry.access import Reader, check_role, reader_of
from registry.models import Person, Role

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]

RAIL_OF = {
    SignerKind.MANUFACTURER: "maker",
    SignerKind.REGULATOR: "regulator",
    SignerKind.INSPECTORATE: "regulator",
}


def page(view: Callable[Concatenate[HttpRequest, Reader, P], HttpResponseBase]) -> View[P]:
    """A page for people who are signed in; it is given the reader, and a stranger is led to the entrance."""

    @wraps(view)
    def wrapped(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        return view(request, reader_of(request), *args, **kwargs)

    return login_required(wrapped)


def after_signing_in_anew(
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """A page that wants the person to have proved who they are within the last minutes."""
    return cast("Callable[Concatenate[HttpRequest, P], HttpResponse]", reauthentication_required(view))


def reader_if_any(request: HttpRequest) -> Reader | None:
    """The reader, or None for a stranger and for somebody without an organisation."""
    if not isinstance(getattr(request, "user", None), Person):
        return None
    try:
        return reader_of(request)
    except Refused:
        return None


def rail_role(request: HttpRequest) -> str | None:
    """Which rail the reader gets."""
    reader = reader_if_any(request)
    return None if reader is None else RAIL_OF.get(SignerKind(reader.kind), "operator")


def refusal_of(reader: Reader, least: Role) -> Refused | None:
    """Why this reader may not, for the disabled button; None when they may."""
    try:
        check_role(reader, least)
    except Refused as refused:
        return refused
    return None
