"""What every page of a signed-in person knows beside the rail: for whom they act, and where their records are."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import reverse

from portal.doorway import reader_if_any


def whose(request: HttpRequest) -> dict[str, object]:
    """The context processor of the portal."""
    reader = reader_if_any(request)
    if reader is None:
        return {}
    return {
        "organisation_name": reader.organisation.name,
        "acting_for_url": reverse("acting-for"),
        "people_url": reverse("people"),
        "privacy_url": reverse("privacy"),
    }
