"""The notices of one's organisation: the bell, the list, what is read, what stays silent or comes by mail."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from notices.actions.reading import choose, mark_all_read, mark_read
from notices.models import Kind, Notice
from notices.queries import (
    MOST_COUNTED,
    NAMES,
    address_of,
    mailed_to,
    organisation_told,
    preference_of,
    sentence_of,
    unread,
    with_read,
)
from notices.rules import unknown_kind
from portal.doorway import page
from registry.access import Reader, get_visible, visible
from web.components import Column
from web.paging import Keyset

NEWEST = Keyset(("-id",))
CHANNELS = (Column("Kind"), Column("Bell"), Column("Mail"))
COLUMNS = (Column("When"), Column("Kind"), Column("What"), Column(""))


@require_safe
@page
def notices(request: HttpRequest, reader: Reader) -> HttpResponse:
    """The organisation's notices, newest first."""
    kind = request.GET.get("kind", "")
    if kind and kind not in Kind.values:
        raise unknown_kind(kind, status=400)
    preference = preference_of(reader)
    found = with_read(visible(reader, Notice), preference, unread_only="unread" in request.GET)
    found = found.select_related(*NAMES)
    if kind:
        found = found.filter(kind=kind)
    shown = NEWEST.page(found, request)
    context = {
        "title": "Notices",
        "page": shown,
        "rows": [(notice, sentence_of(notice)) for notice in shown.items],
        "columns": COLUMNS,
        "kinds": Kind.choices,
        "kind": kind,
        "unread_only": "unread" in request.GET,
    }
    return render(request, "notices/notices.html", context)


@never_cache
@require_safe
@page
def bell(request: HttpRequest, reader: Reader) -> HttpResponse:
    """The count beside the bell, asked for by each page once it is there."""
    number = unread(reader)
    shown = f"{MOST_COUNTED}+" if number > MOST_COUNTED else str(number)
    return render(request, "notices/count.html", {"number": number, "shown": shown})


@require_http_methods(["GET", "POST"])
@page
def notice(request: HttpRequest, reader: Reader, number: int) -> HttpResponse:
    """One notice, where a letter leads; posting marks it read and goes to what it is about.

    Somebody who acts for another organisation at the moment is told so, when they are a member of this one, too.
    """
    if request.method == "POST":
        found = get_visible(reader, Notice, pk=number)
        mark_read(found, by=reader)
        return redirect("notices" if "stay" in request.POST else address_of(found))
    told = visible(reader, Notice).select_related(*NAMES).filter(pk=number)
    one = with_read(told, preference_of(reader)).first()
    if one is not None:
        context = {"title": one.get_kind_display(), "notice": one, "sentence": sentence_of(one)}
        return render(request, "notices/notice.html", context)
    elsewhere = organisation_told(reader, number)
    if elsewhere is None:
        raise Http404
    context = {"title": "Another organisation's notice", "elsewhere": elsewhere}
    return render(request, "notices/elsewhere.html", context)


@require_POST
@page
def read_all(request: HttpRequest, reader: Reader) -> HttpResponse:
    """Mark all read."""
    mark_all_read(by=reader)
    messages.info(request, "All notices are marked as read.")
    return redirect("notices")


@require_http_methods(["GET", "POST"])
@page
def preferences(request: HttpRequest, reader: Reader) -> HttpResponse:
    """Which kinds the bell counts and which come by mail, for this person and organisation."""
    if request.method == "POST":
        counted, mailed = request.POST.getlist("counted"), request.POST.getlist("mailed")
        for field, said in (("counted", counted), ("mailed", mailed)):
            if unknown := set(said) - set(Kind.values):
                raise unknown_kind(min(unknown), field=field)
        silent = [kind for kind in Kind.values if kind not in counted]
        choose(silent=silent, by_mail=mailed, by=reader)
        messages.success(request, "Your choice is kept.")
        return redirect("notices")
    preference = preference_of(reader)
    by_mail = mailed_to(reader, preference)
    context = {
        "title": "What you are told of",
        "kinds": [(kind, kind not in preference.silent, kind in by_mail) for kind in Kind],
        "columns": CHANNELS,
        "email": reader.person.email if reader.person else "",
    }
    return render(request, "notices/preferences.html", context)
