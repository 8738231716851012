"""Routes of this room."""

from __future__ import annotations

from django.urls import URLPattern, path

from audits import api as views_of_api

api: list[URLPattern] = [
    path("findings", views_of_api.FindingList.as_view(), name="findings"),
    path("findings/<str:uid>", views_of_api.FindingDetail.as_view(), name="finding"),
    path("clusters", views_of_api.ClusterList.as_view(), name="clusters"),
    path("balances", views_of_api.BalanceList.as_view(), name="balances"),
]
