"""Routes of this room: API and pages."""

from __future__ import annotations

from django.urls import URLPattern, path

from registry import api as views_of_api
from registry import views

api: list[URLPattern] = [
    path("organisations", views_of_api.OrganisationList.as_view(), name="organisations"),
    path("models", views_of_api.ChipModelList.as_view(), name="models"),
    path("models/<slug:code>", views_of_api.ChipModelDetail.as_view(), name="model"),
    path("sites", views_of_api.SiteList.as_view(), name="sites"),
    path("sites/<slug:code>", views_of_api.SiteDetail.as_view(), name="site"),
    path("applications", views_of_api.ApplicationCreate.as_view(), name="applications"),
    path("tokens", views_of_api.TokenList.as_view(), name="tokens"),
    path("tokens/<int:token>", views_of_api.TokenDetail.as_view(), name="token"),
    path("readings", views_of_api.ReadingList.as_view(), name="readings"),
]
pages: list[URLPattern] = [
    path("join/", views.join, name="join"),
    path("applications/", views.applications, name="applications"),
    path("applications/<int:number>/", views.decide, name="decide-application"),
    path("invitations/<str:secret>/", views.invitation, name="invitation"),
]
