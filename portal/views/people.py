"""The people of an organisation: who they are, what is theirs here, letters to new ones, and a log of all that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chipledger import clock
from chipledger.refusals import Refused
from portal.actions.leaving import let_go
from portal.doorway import after_signing_in_anew, page, refusal_of
from portal.forms.people import AdministrationFilter, LeaveForm
from portal.lists import Listing, default_view, export_asked, list_context, views_of
from portal.queries.people import belongings, keys_of, named, names_of, names_to_choose_from
from registry.access import Reader, check_role, get_visible, visible
from registry.actions import joining
from registry.actions.people import change_role
from registry.forms import InviteForm, RoleForm
from registry.models import AdministrationEvent, Invitation, Membership, Role
from web.components import Column
from web.paging import Keyset
from web.refusals import status_of

COLUMNS = tuple(Column(label) for label in ("Person", "Role", "Since", "Last sign-in", "Signing passkeys"))
LETTERS = tuple(Column(label) for label in ("E-mail address", "Role", "Ends", ""))
EVENTS = Keyset(("-id",))
LOG = Listing(
    "administration-log",
    "Administration log",
    (
        Column("When", key="at"),
        Column("What", key="deed"),
        Column("Whom", key="person", exports=("person", "person_name")),
        Column("Detail", key="detail"),
        Column("By", key="by", exports=("by", "by_name")),
    ),
    ("at", "deed", "person", "person_name", "detail", "by", "by_name"),
)


@require_http_methods(["GET", "POST"])
@page
def people(request: HttpRequest, reader: Reader) -> HttpResponse:
    """The colleagues, the letters that wait for an answer, and a form for a further one."""
    if request.method == "POST":
        check_role(reader, Role.ADMINISTRATOR)
        return _invite(request, reader)
    return _show(request, reader, InviteForm())


@after_signing_in_anew
def _invite(request: HttpRequest, reader: Reader) -> HttpResponse:
    form = InviteForm(request.POST)
    if form.is_valid():
        said = form.cleaned_data
        joining.invite_colleague(said["email"], Role(said["role"]), by=reader, at=clock.now())
        messages.success(request, "The invitation is on its way.")
        return redirect("people")
    return _show(request, reader, form)


def _show(request: HttpRequest, reader: Reader, form: InviteForm) -> HttpResponse:
    members = visible(reader, Membership).filter(until__isnull=True).select_related("person")
    found = Keyset(("id",)).page(members, request)
    passkeys = keys_of(reader, [each.person.pseudonym for each in found.items])
    letters = visible(reader, Invitation).filter(accepted_at__isnull=True, expires_at__gt=clock.now())
    context = {
        "title": "People",
        "page": found,
        "rows": [(each, passkeys.get(each.person.pseudonym, [])) for each in found.items],
        "columns": COLUMNS,
        "letters": letters.order_by("id")[:200],
        "letter_columns": LETTERS,
        "form": form,
        "refusal": refusal_of(reader, Role.ADMINISTRATOR),
    }
    return render(request, "portal/people.html", context, status=status_of(form))


@require_POST
@page
def letter(request: HttpRequest, reader: Reader, number: int) -> HttpResponse:
    """Send a letter again, or withdraw it."""
    check_role(reader, Role.ADMINISTRATOR)
    return _answer(request, reader, get_visible(reader, Invitation, pk=number))


@after_signing_in_anew
def _answer(request: HttpRequest, reader: Reader, invitation: Invitation) -> HttpResponse:
    match request.POST.get("do"):
        case "send":
            joining.send_again(invitation, by=reader, at=clock.now())
            messages.success(request, f"A new letter to {invitation.email} is on its way.")
        case "withdraw":
            joining.withdraw(invitation, by=reader, at=clock.now())
            messages.success(request, f"The invitation of {invitation.email} is withdrawn.")
        case _:
            raise Refused("bad_deed", "Send an invitation again, or withdraw it.", field="do", status=400)
    return redirect("people")


@require_http_methods(["GET", "POST"])
@page
def person(request: HttpRequest, reader: Reader, number: int) -> HttpResponse:
    """Everything that is a colleague's here; an administrator changes the role, or lets them go."""
    membership = get_visible(reader, Membership, pk=number)
    check_role(reader, Role.ADMINISTRATOR)
    if request.method == "POST":
        return _change(request, reader, membership)
    return _show_person(request, reader, membership, RoleForm(initial={"role": membership.role}))


@after_signing_in_anew
def _change(request: HttpRequest, reader: Reader, membership: Membership) -> HttpResponse:
    form = RoleForm(request.POST)
    if not form.is_valid():
        return _show_person(request, reader, membership, form)
    try:
        change_role(membership, Role(form.cleaned_data["role"]), by=reader, at=clock.now())
    except Refused as refused:
        form.add_error("role", refused.sentence)
        return _show_person(request, reader, membership, form)
    messages.success(request, f"{membership.person} is now {form.cleaned_data['role']}.")
    return redirect("person", number=membership.pk)


@require_POST
@page
def end(request: HttpRequest, reader: Reader, number: int) -> HttpResponse:
    """Let a colleague go."""
    membership = get_visible(reader, Membership, pk=number)
    check_role(reader, Role.ADMINISTRATOR)
    return _end(request, reader, membership)


@after_signing_in_anew
def _end(request: HttpRequest, reader: Reader, membership: Membership) -> HttpResponse:
    form = LeaveForm(request.POST, reader=reader, leaver=membership.person)
    if not form.is_valid():
        return _show_person(
            request, reader, membership, RoleForm(initial={"role": membership.role}), leave=form
        )
    drafts, refused = let_go(membership, sign_with=form.key(), by=reader, at=clock.now())
    messages.success(request, f"{membership.person} is no longer a member.")
    for each in refused:
        messages.warning(request, f"A key of theirs still counts: {each.sentence}")
    if drafts:
        messages.info(
            request, f"Papers that end their keys: {len(drafts)}. They wait here for your signature."
        )
        return redirect("drafts")
    return redirect("people")


def _show_person(
    request: HttpRequest,
    reader: Reader,
    membership: Membership,
    form: RoleForm,
    *,
    leave: LeaveForm | None = None,
) -> HttpResponse:
    theirs = belongings(reader, membership.person)
    context = {
        "title": str(membership.person),
        "membership": membership,
        "theirs": theirs,
        "form": form,
        "leave": leave or LeaveForm(reader=reader, leaver=membership.person),
        "keeps_keys": bool(theirs.keys) and membership.role in (Role.VIEWER, Role.PREPARER),
    }
    refused = form.errors or (leave is not None and leave.errors)
    return render(request, "portal/person.html", context, status=422 if refused else 200)


@require_safe
@page
def log(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """What administrators did about people."""
    check_role(reader, Role.ADMINISTRATOR)
    views = views_of(reader, LOG)
    if (opened := default_view(request, reader, views)) is not None:
        return opened
    form = AdministrationFilter(
        request.GET, names=names_to_choose_from(reader, request.GET.get("person", ""))
    )
    rows = form.narrow(visible(reader, AdministrationEvent))
    file = export_asked(
        request, LOG, rows, EVENTS, lambda batch: _lines(batch, _names_in(batch, reader)), form=form
    )
    if file is not None:
        return file
    found = EVENTS.page(rows, request)
    names = _names_in(found.items, reader)
    context = list_context(request, reader, LOG, views) | {
        "form": form,
        "page": found,
        "rows": [(event, named(event.person, names), _doer(event, names)) for event in found.items],
    }
    return render(request, "portal/administration_log.html", context)


def _names_in(events: Sequence[AdministrationEvent], reader: Reader) -> dict[str, str]:
    return names_of(reader, {pseudonym for each in events for pseudonym in (each.person, each.by)})


def _doer(event: AdministrationEvent, names: dict[str, str]) -> str:
    return named(event.by, names) or "the house"


def _lines(events: Sequence[AdministrationEvent], names: dict[str, str]) -> Iterator[tuple[object, ...]]:
    for event in events:
        person = named(event.person, names)
        yield event.at, event.deed, event.person, person, event.detail, event.by, _doer(event, names)
