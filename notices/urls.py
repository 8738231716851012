"""Routes of this room."""

from __future__ import annotations

from django.urls import URLPattern, path

from notices import api as views_of_api
from notices.views import deliveries, notices, webhooks

api: list[URLPattern] = [path("notices", views_of_api.NoticeList.as_view(), name="notices")]
pages: list[URLPattern] = [
    path("notices/", notices.notices, name="notices"),
    path("notices/bell/", notices.bell, name="notices-bell"),
    path("notices/preferences/", notices.preferences, name="notice-preferences"),
    path("notices/read/", notices.read_all, name="read-all-notices"),
    path("notices/<int:number>/", notices.notice, name="notice"),
    path("webhooks/", webhooks.webhooks, name="webhooks"),
    path("webhooks/<int:number>/", webhooks.webhook, name="webhook"),
    path("webhooks/<int:number>/act/", webhooks.act, name="webhook-act"),
    path("deliveries/", deliveries.deliveries, name="deliveries"),
    path("deliveries/<uuid:number>/", deliveries.delivery, name="delivery"),
    path("deliveries/<uuid:number>/again/", deliveries.again, name="send-again"),
]
