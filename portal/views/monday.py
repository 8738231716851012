"""Monday's list: what opened, what worsened and what is due, since a day that the reader chooses."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from audits import queries as audits
from chipledger import clock
from portal.doorway import page
from portal.forms.filters import SinceForm
from portal.lists import FORMAT, as_file, made_now
from portal.queries.monday import HEADER, last_monday, lines_of, monday
from registry.access import Reader

TITLE = "Monday's list"


@require_safe
@page
def monday_list(request: HttpRequest, reader: Reader) -> HttpResponseBase:
    """The week in groups, each of which leads to the whole list of its rows; or just these rows as a file."""
    now = clock.now()
    form = SinceForm(request.GET)
    since = form.answers()["since"] or last_monday(now)
    week = monday(reader, since=since, at=now)
    if asked := request.GET.get(FORMAT):
        made = made_now(TITLE, f"since {since.isoformat()}")
        return as_file(request, asked, "monday", HEADER, lines_of(week), made=made)
    context = week | {
        "title": TITLE,
        "formats": [("csv", "CSV"), ("json", "JSON"), ("print", "A page to print")],
        "form": SinceForm({"since": since.isoformat()}),
        "sweep": audits.newest_sweep(),
        "is_lagging": audits.is_lagging(audits.sweep_lag(at=now)),
    }
    return render(request, "portal/monday.html", context)
