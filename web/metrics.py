"""What monitoring reads: for scrapers inside the house, never for anybody who comes through the proxy."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from django_prometheus.exports import ExportToDjangoView


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Counts and rates of this process. The proxy names whom it speaks for, and gets the answer of an empty address."""
    if "HTTP_X_FORWARDED_FOR" in request.META:
        raise Http404
    answer: HttpResponse = ExportToDjangoView(request)
    return answer
