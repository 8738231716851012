"""Routes of this room."""

from __future__ import annotations

from django.urls import URLPattern, path

from notices import api as views_of_api
from notices import views

api: list[URLPattern] = [path("notices", views_of_api.NoticeList.as_view(), name="notices")]
pages: list[URLPattern] = [
    path("notices/", views.notices, name="notices"),
    path("notices/bell/", views.bell, name="notices-bell"),
    path("notices/preferences/", views.preferences, name="notice-preferences"),
    path("notices/read/", views.read_all, name="read-all-notices"),
    path("notices/<int:number>/", views.follow, name="notice"),
]
