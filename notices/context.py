"""Where the bell of every page is; it counts by itself, so that no page waits for it."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import reverse

from portal.doorway import reader_if_any


def bell(request: HttpRequest) -> dict[str, object]:
    """The context processor of the notices."""
    if reader_if_any(request) is None:
        return {}
    return {"notices_url": reverse("notices"), "bell_url": reverse("notices-bell")}
