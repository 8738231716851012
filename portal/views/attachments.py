"""Documents beside statements, as files to keep."""

from __future__ import annotations

from django.http import HttpRequest, StreamingHttpResponse
from django.views.decorators.http import require_safe

from ledger.models import Attachment
from portal.api.attachments import download
from portal.doorway import page
from registry.access import Reader, get_visible


@require_safe
@page
def attachment(request: HttpRequest, reader: Reader, digest: str) -> StreamingHttpResponse:
    """One document, for its sender and for the authorities that oversee what it is about."""
    return download(get_visible(reader, Attachment, digest=bytes.fromhex(digest)))
