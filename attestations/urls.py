"""Routes of the silicon. Its pages are the chip pages of other rooms."""

from __future__ import annotations

from django.urls import URLPattern, path

from attestations import api as views

api = [
    path("nonces", views.NonceView.as_view(), name="nonces"),
    path("chips/<slug:maker>/<str:serial>/sightings", views.SightingsView.as_view(), name="chip-sightings"),
]
pages: list[URLPattern] = []
