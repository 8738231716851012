"""Routes: each room brings its own, pages at the root and the API under /api/v1/."""

from __future__ import annotations

from importlib import import_module

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularJSONAPIView

from web.metrics import metrics

handler400 = "web.refusals.bad_request"
handler403 = "web.refusals.forbidden"
handler404 = "web.refusals.not_found"
handler500 = "web.refusals.failed"

ROOMS = ("ledger", "registry", "tracking", "attestations", "audits", "portal", "notices")

api: list[URLPattern | URLResolver] = [
    path("schema", SpectacularJSONAPIView.as_view(), name="schema"),
]
urlpatterns: list[URLPattern | URLResolver] = [
    path("account/", include("allauth.urls")),
    path("metrics", metrics, name="prometheus-django-metrics"),
]
for room in ROOMS:
    urls = import_module(f"{room}.urls")
    api += getattr(urls, "api", [])
    urlpatterns += getattr(urls, "pages", [])
urlpatterns.append(path("api/v1/", include((api, "api"))))
if settings.DEBUG:
    urlpatterns.append(path("", include("web.urls")))
