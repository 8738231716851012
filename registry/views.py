"""Pages of coming in: applying, deciding on applications, accepting invitations."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chipledger import clock
from chipledger.refusals import Refused
from registry.access import Reader, check_role, get_visible, reader_of, visible
from registry.actions import joining
from registry.forms import AcceptForm, JoinForm
from registry.models import Application, ApplicationState, Person, Role
from registry.queries.lookups import OPEN_APPLICATIONS
from web.components import Column, Tone
from web.paging import Keyset
from web.refusals import status_of

APPLICATION_COLUMNS = (
    *(Column(label) for label in ("Applied", "Handle", "Name", "Kind", "Countries", "State", "Decision")),
)
TONES = {
    ApplicationState.APPLIED: Tone.WAIT,
    ApplicationState.VETTED: Tone.BOOK,
    ApplicationState.ADMITTED: Tone.GOOD,
    ApplicationState.DECLINED: Tone.PLAIN,
}
DECISIONS = {"vet": ApplicationState.VETTED, "decline": ApplicationState.DECLINED}


@require_http_methods(["GET", "POST"])
def join(request: HttpRequest) -> HttpResponse:
    """Ask to be let in."""
    form = JoinForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            application = joining.apply_to_join(**form.cleaned_data, at=clock.now())
        except Refused as refused:
            _show(form, refused)
        else:
            return render(
                request, "registry/joined.html", {"title": "Applied", "application": application}, status=201
            )
    return render(
        request, "registry/join.html", {"title": "Apply to join", "form": form}, status=status_of(form)
    )


@login_required
@require_safe
def applications(request: HttpRequest) -> HttpResponse:
    """Who asks to be let in; for regulators."""
    reader = reader_of(request)
    if not reader.is_regulator:
        raise Http404
    page = Keyset(("-id",)).page(visible(reader, Application), request)
    refusal = _too_low(reader, Role.SIGNATORY)
    rows = [
        (each, TONES[ApplicationState(each.state)], joining.key_of(each), each.state in OPEN_APPLICATIONS)
        for each in page.items
    ]
    context = {
        "title": "Applications",
        "page": page,
        "rows": rows,
        "columns": APPLICATION_COLUMNS,
        "refusal": refusal,
    }
    return render(request, "registry/applications.html", context)


@login_required
@require_POST
def decide(request: HttpRequest, number: int) -> HttpResponse:
    """Vet an applicant, or decline it."""
    reader = reader_of(request)
    application = get_visible(reader, Application, pk=number)
    state = DECISIONS.get(request.POST.get("decision", ""))
    if state is None:
        raise Refused("bad_decision", "Vet an application, or decline it.", field="decision", status=400)
    joining.decide_application(
        application, state, by=reader, at=clock.now(), note=request.POST.get("note", "")
    )
    messages.success(request, f"The application of {application.name} is {state.label.lower()}.")
    return redirect("applications")


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest, secret: str) -> HttpResponse:
    """Accept an invitation: a new person chooses a password, a signed-in one joins as they are."""
    letter = joining.find_invitation(secret, at=clock.now())
    person = request.user if isinstance(request.user, Person) else None
    knows = Person.objects.filter(email__iexact=letter.email).exists()
    form = AcceptForm(request.POST or None)
    if knows:
        form.fields.clear()
    if request.method == "POST" and form.is_valid():
        try:
            _accept(secret, person, form)
        except Refused as refused:
            _show(form, refused)
        else:
            messages.success(
                request, f"You are now {Role(letter.role).label.lower()} of {letter.organisation.name}."
            )
            return redirect("/" if person else "account_login")
    context = {
        "title": "Your invitation",
        "letter": letter,
        "role": Role(letter.role).label,
        "form": form,
        "knows": knows,
    }
    return render(request, "registry/invitation.html", context, status=status_of(form))


def _accept(secret: str, person: Person | None, form: Form) -> None:
    joining.accept_invitation(
        secret,
        person=person,
        name=form.cleaned_data.get("name", ""),
        password=form.cleaned_data.get("password", ""),
        at=clock.now(),
    )


def _show(form: Form, refused: Refused) -> None:
    """Put a refusal beside its field, or above the form."""
    form.add_error(refused.field if refused.field in form.fields else None, refused.sentence)


def _too_low(reader: Reader, role: Role) -> Refused | None:
    """Why a button is disabled for this reader."""
    try:
        check_role(reader, role)
    except Refused as refused:
        return refused
    return None
