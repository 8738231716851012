"""Who stands before a page: signed in, reading for one organisation, in a role."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar, cast

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from chipledger.refusals import Refused
from ledger.authority import HOLDERS
from ledger.models import SignerKind
from registry.access import Reader, check_role, reader_of
from registry.models import Person, Role

P = ParamSpec("P")
V = TypeVar("V", bound=Callable[..., HttpResponseBase])
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
        if not request.user.is_authenticated:
            return _to_the_entrance(request)
        return view(request, reader_of(request), *args, **kwargs)

    return wrapped


def _to_the_entrance(request: HttpRequest) -> HttpResponse:
    """Let a stranger sign in and come back; who was in the middle of something is told what became of it."""
    htmx: HtmxDetails | None = getattr(request, "htmx", None)
    back = (htmx and htmx.current_url_abs_path) or request.get_full_path()
    if request.method == "POST":
        messages.warning(
            request, "Your session had ended. Sign in, and you are back where you were; nothing was filed."
        )
    answer = redirect_to_login(back)
    return HttpResponseClientRedirect(answer.url) if htmx else answer


def after_signing_in_anew(view: V) -> V:
    """A page that wants the person to have proved who they are within the last minutes."""
    return cast("V", reauthentication_required(view))


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


def holder_refusal(reader: Reader, sentence: str) -> Refused | None:
    """Why this reader says nothing about chips: ``sentence`` for who may hold none, or too low a role."""
    if reader.kind not in HOLDERS:
        return Refused("not_a_holder", sentence, status=403)
    return refusal_of(reader, Role.PREPARER)
