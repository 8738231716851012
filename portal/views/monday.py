"""Monday's list: what opened, what worsened and what is due, since a day that the reader chooses."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from audits import queries as audits
from chipledger import clock
from portal.doorway import page
from portal.forms.filters import SinceForm
from portal.queries.monday import last_monday, monday
from registry.access import Reader


@require_safe
@page
def monday_list(request: HttpRequest, reader: Reader) -> HttpResponse:
    """The week in groups, each of which leads to the whole list of its rows."""
    now = clock.now()
    form = SinceForm(request.GET)
    since = form.answers()["since"] or last_monday(now)
    context = monday(reader, since=since, at=now) | {
        "title": "Monday's list",
        "form": SinceForm({"since": since.isoformat()}),
        "sweep": audits.newest_sweep(),
        "is_lagging": audits.is_lagging(audits.sweep_lag(at=now)),
    }
    return render(request, "portal/monday.html", context)
