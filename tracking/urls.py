"""Routes of this room: API and pages."""

from __future__ import annotations

from django.urls import URLPattern, path, re_path

from tracking import api as views
from tracking import stock_takes

CHIP = r"^chips/(?P<maker>[a-z0-9][a-z0-9-]{1,62})/(?P<serial>[A-Za-z0-9._-]{1,64})"
STOCK_TAKE = r"^stock-takes/(?P<digest>[0-9a-f]{64})"
TRANSFER = r"^transfers/(?P<digest>[0-9a-f]{64})"

api: list[URLPattern] = [
    path("chips", views.ChipsView.as_view(), name="chips"),
    re_path(CHIP + "$", views.ChipView.as_view(), name="chip"),
    re_path(CHIP + "/history$", views.ChipHistoryView.as_view(), name="chip-history"),
    path("transfers", views.TransfersView.as_view(), name="transfers"),
    re_path(TRANSFER + "$", views.TransferView.as_view(), name="transfer"),
    re_path(TRANSFER + "/lines$", views.TransferLinesView.as_view(), name="transfer-lines"),
    path("stock-takes", stock_takes.StockTakesView.as_view(), name="stock-takes"),
    re_path(STOCK_TAKE + "$", stock_takes.StockTakeView.as_view(), name="stock-take"),
    re_path(STOCK_TAKE + "/lines$", stock_takes.StockTakeLinesView.as_view(), name="stock-take-lines"),
]
pages: list[URLPattern] = []
