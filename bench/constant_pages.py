"""Routes of the house, and beside three of its lists the same pages rendered from constants behind the same sign-in.

A constant page asks its list once and keeps what it was rendered from; after that only the sign-in asks the database.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, path
from django.views.decorators.http import require_safe

from config.urls import urlpatterns as of_the_house
from portal.doorway import page
from portal.views import chips, findings, transfers
from registry.access import Reader

LISTS = {"chips": chips, "findings": findings, "transfers": transfers}
_KEPT: dict[str, tuple[str, dict[str, Any]]] = {}


@require_safe
@page
def constant(request: HttpRequest, reader: Reader, name: str) -> HttpResponse:
    """The list as it was when it was first asked for."""
    if name not in _KEPT:
        _keep(request, name)
    template, context = _KEPT[name]
    return render(request, template, context)


def _keep(request: HttpRequest, name: str) -> None:
    """Let the list's own view answer, and look at what it renders."""
    module: Any = LISTS[name]

    def keep(request: HttpRequest, template: str, context: dict[str, Any], **more: Any) -> HttpResponse:
        _KEPT[name] = (template, context)
        return render(request, template, context, **more)

    module.render = keep
    try:
        getattr(module, name)(request)
    finally:
        module.render = render


urlpatterns: list[URLPattern | URLResolver] = [*of_the_house, path("constant/<slug:name>/", constant)]
