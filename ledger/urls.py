"""Routes of the public log."""

from __future__ import annotations

from django.urls import URLPattern, path

from ledger import api as views_of_api
from ledger import views

api: list[URLPattern] = [
    path("log/checkpoint", views_of_api.LogCheckpoint.as_view(), name="log-checkpoint"),
    path("log/proof/inclusion", views_of_api.LogInclusion.as_view(), name="log-inclusion"),
    path("log/proof/consistency", views_of_api.LogConsistency.as_view(), name="log-consistency"),
]
pages: list[URLPattern] = [
    path("log/checkpoint", views.checkpoint, name="log-checkpoint"),
    path("log/vkey", views.verifier_key, name="log-vkey"),
    path("log/tile/<path:path>", views.tile, name="log-tile"),
    path("log/proof/consistency", views.consistency, name="log-consistency"),
]
