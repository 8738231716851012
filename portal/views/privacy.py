"""What is kept about a person: found, exported, erased, or held because the law wants it."""

from __future__ import annotations

import json

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.core.serializers.json import DjangoJSONEncoder
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from chipledger import clock
from chipledger.refusals import Refused
from portal.actions.privacy import ask_erasure, check_colleague, erase_person, lift_hold, place_hold
from portal.doorway import after_signing_in_anew, page
from portal.forms.people import FindForm, HoldForm
from portal.models import LegalHold
from portal.queries.privacy import Records, records_of
from portal.rules import grounds_to_keep
from registry.access import Reader, check_role, get_visible, visible
from registry.models import Membership, Person, Role
from web.components import Column
from web.paging import Keyset
from web.refusals import status_of

ASKED = tuple(Column(label) for label in ("Person", "Asked"))
HOLDS = tuple(Column(label) for label in ("Person", "Placed by", "Reason", "Placed", "Lifted", ""))
SHOWN = 50


@login_required
@never_cache
@require_safe
def own(request: HttpRequest) -> HttpResponse:
    """What is kept about oneself; also for somebody who is a member nowhere any more."""
    person = _self(request)
    grounds = grounds_to_keep(person, at=clock.now())
    context = {
        "title": "Your records",
        "person": person,
        "sections": _sections(records_of(person)),
        "grounds": grounds,
    }
    return render(request, "portal/privacy.html", context)


@login_required
@require_safe
@after_signing_in_anew
def export_own(request: HttpRequest) -> HttpResponse:
    """All of it as JSON."""
    person = _self(request)
    return _file(person, records_of(person))


@login_required
@require_POST
@after_signing_in_anew
def erase_own(request: HttpRequest) -> HttpResponse:
    """Erase oneself where nothing stands against it, or else ask for it."""
    person = _self(request)
    if grounds_to_keep(person, at=clock.now()):
        ask_erasure(person, at=clock.now())
        messages.info(request, "Your wish is noted; your administrators see it.")
        return redirect("privacy")
    erase_person(person, by=person, at=clock.now())
    logout(request)
    messages.success(request, "Your records are erased.")
    return redirect("account_login")


@require_safe
@page
def find(request: HttpRequest, reader: Reader) -> HttpResponse:
    """Find a person's records; who asked for erasure, and what is held."""
    check_role(reader, Role.ADMINISTRATOR)
    form = FindForm(request.GET if "who" in request.GET else None)
    if form.is_bound and form.is_valid():
        found = _find(reader, form.cleaned_data["who"].strip())
        if found is not None:
            return redirect("records", pseudonym=found.pseudonym)
        form.add_error(
            "who", "Nobody here is known by this. Check it for mistakes; strangers are never found."
        )
    colleagues = visible(reader, Membership).values("person")
    asked = visible(reader, Person).filter(pk__in=colleagues, erasure_asked_at__isnull=False)
    context = {
        "title": "Records of people",
        "form": form,
        "asked": asked.order_by("erasure_asked_at")[:200],
        "columns": ASKED,
        "page": Keyset(("-id",)).page(
            visible(reader, LegalHold).select_related("person", "organisation"), request
        ),
        "hold_columns": HOLDS,
        "reader": reader,
    }
    return render(request, "portal/find_records.html", context, status=status_of(form))


@never_cache
@require_safe
@page
def records(request: HttpRequest, reader: Reader, pseudonym: str) -> HttpResponse:
    """What the reader's organisation keeps about somebody, and what stands against erasing it."""
    person = get_visible(reader, Person, pseudonym=pseudonym)
    check_role(reader, Role.ADMINISTRATOR)
    return _show(request, reader, person, HoldForm())


def _show(request: HttpRequest, reader: Reader, person: Person, form: HoldForm) -> HttpResponse:
    not_ours: Refused | None = None
    try:
        check_colleague(person, by=reader)
    except Refused as refused:
        not_ours = refused
    grounds = grounds_to_keep(person, at=clock.now()) if not_ours is None else []
    context = {
        "title": f"Person {person.pseudonym[:8]}" if not_ours else str(person),
        "person": person,
        "sections": [] if not_ours else _sections(records_of(person, within=reader.organisation)),
        "grounds": grounds,
        "not_ours": not_ours,
        "refusal": not_ours or next(iter(grounds), None),
        "holds": visible(reader, LegalHold)
        .filter(person=person)
        .select_related("organisation")
        .order_by("-id"),
        "form": form,
        "hold_columns": HOLDS,
        "reader": reader,
    }
    return render(request, "portal/records.html", context, status=status_of(form))


@require_safe
@page
def export(request: HttpRequest, reader: Reader, pseudonym: str) -> HttpResponse:
    """What the reader's organisation keeps about somebody, as JSON."""
    person = get_visible(reader, Person, pseudonym=pseudonym)
    check_colleague(person, by=reader)
    return _export(request, reader, person)


@after_signing_in_anew
def _export(request: HttpRequest, reader: Reader, person: Person) -> HttpResponse:
    return _file(person, records_of(person, within=reader.organisation))


@require_POST
@page
def erase(request: HttpRequest, reader: Reader, pseudonym: str) -> HttpResponse:
    """Erase somebody who has left, or say why not."""
    person = get_visible(reader, Person, pseudonym=pseudonym)
    check_colleague(person, by=reader)
    return _erase(request, reader, person)


@after_signing_in_anew
def _erase(request: HttpRequest, reader: Reader, person: Person) -> HttpResponse:
    erase_person(person, by=reader, at=clock.now())
    messages.success(
        request, "The records are erased. Statements keep the pseudonym, which leads nowhere now."
    )
    return redirect("find-records")


@require_POST
@page
def hold(request: HttpRequest, reader: Reader, pseudonym: str) -> HttpResponse:
    """Place a legal hold."""
    person = get_visible(reader, Person, pseudonym=pseudonym)
    check_role(reader, Role.ADMINISTRATOR)
    return _hold(request, reader, person)


@after_signing_in_anew
def _hold(request: HttpRequest, reader: Reader, person: Person) -> HttpResponse:
    form = HoldForm(request.POST)
    if not form.is_valid():
        return _show(request, reader, person, form)
    place_hold(person, reason=form.cleaned_data["reason"], by=reader, at=clock.now())
    messages.success(request, "The records are held.")
    return redirect("records", pseudonym=person.pseudonym)


@require_POST
@page
def lift(request: HttpRequest, reader: Reader, number: int) -> HttpResponse:
    """Lift a legal hold."""
    check_role(reader, Role.ADMINISTRATOR)
    return _lift(request, reader, get_visible(reader, LegalHold, pk=number))


@after_signing_in_anew
def _lift(request: HttpRequest, reader: Reader, hold: LegalHold) -> HttpResponse:
    lift_hold(hold, by=reader, at=clock.now())
    messages.success(request, "The hold is lifted.")
    return redirect("records", pseudonym=hold.person.pseudonym)


def _self(request: HttpRequest) -> Person:
    if not isinstance(request.user, Person):
        raise Http404
    return request.user


def _find(reader: Reader, who: str) -> Person | None:
    """By pseudonym whom the reader may see, by address only who is or was a colleague."""
    people = visible(reader, Person)
    colleagues = people.filter(pk__in=visible(reader, Membership).values("person"))
    return people.filter(pseudonym=who.lower()).first() or colleagues.filter(email__iexact=who).first()


def _sections(found: Records) -> list[tuple[str, int, str]]:
    """Kind, number of rows, and the first of them in words that are the export's own."""
    return [
        (
            kind.replace("_", " ").capitalize(),
            len(rows),
            json.dumps(rows[:SHOWN], cls=DjangoJSONEncoder, indent=2, ensure_ascii=False),
        )
        for kind, rows in found.items()
    ]


def _file(person: Person, found: Records) -> HttpResponse:
    return HttpResponse(
        json.dumps(found, cls=DjangoJSONEncoder, indent=2, ensure_ascii=False),
        content_type="application/json; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="records-{person.pseudonym[:8]}.json"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        },
    )
