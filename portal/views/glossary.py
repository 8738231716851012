"""The glossary as a page; other pages link to a word by its anchor."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.doorway import page
from portal.glossary import entries
from registry.access import Reader


@require_safe
@page
def glossary(request: HttpRequest, reader: Reader) -> HttpResponse:
    """Every word with its meaning."""
    return render(request, "portal/glossary.html", {"title": "Glossary", "entries": entries()})
