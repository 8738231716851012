"""Uploads through a form: streamed to disk, cut off at the limit, and refused when they broke off on their way.

A form that is shorter than it was announced reached us in part: a text cut in its middle would still be a text. Small
forms are measured before anybody reads them; of larger ones, the file comes last, and its end is looked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, Final, cast

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError

from chipledger.manifests import MAX_BYTES
from chipledger.refusals import Refused
from web.bodies import MAX_BODY
from web.refusals import is_api, refused_page

TOO_LARGE: Final = "portal.upload_too_large"
BROKEN_OFF: Final = "portal.upload_broken_off"
FORMS: Final = ("multipart/form-data", "application/x-www-form-urlencoded")


class WholeForms:
    """Middleware that refuses a form of which only a part arrived, before anything looks into it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method == "POST" and request.content_type in FORMS and not is_api(request):
            announced = _announced(request)
            if announced <= MAX_BODY and not _has_arrived(request, announced):
                return refused_page(request, broken_off())
        return self.get_response(request)


def broken_off() -> Refused:
    """The refusal of an upload that ended early; usually nobody is there any more to read it."""
    return Refused(
        "upload_broken_off",
        "The upload broke off before its end. Nothing of it was kept; send it again.",
        status=400,
    )


def _announced(request: HttpRequest) -> int:
    length = str(request.META.get("CONTENT_LENGTH") or "")
    return int(length) if length.isdecimal() else 0


def _has_arrived(request: HttpRequest, announced: int) -> bool:
    try:
        return len(request.body) == announced
    except UnreadablePostError:
        return False


class Limit(FileUploadHandler):
    """Passes every chunk on to the next handler until a file is longer than a manifest may be."""

    chunk_size = 256 * 1024

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        if start + len(raw_data) > MAX_BYTES:
            if self.request is not None:
                self.request.META[TOO_LARGE] = True
            raise StopUpload(connection_reset=False)
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None

    def upload_interrupted(self) -> None:
        if self.request is not None:
            self.request.META[BROKEN_OFF] = True


def uploaded(request: HttpRequest, name: str) -> UploadedFile[bytes] | None:
    """The file of a form's field, None when none came. Its name and declared type decide nothing."""
    if TOO_LARGE in request.META:
        raise Refused(
            "manifest_too_large",
            f"A file has at most {MAX_BYTES // 2**20} MiB; send a smaller one.",
            field=name,
            status=413,
        )
    found = request.FILES.get(name)
    if BROKEN_OFF in request.META or (found is None and _announced(request) > MAX_BODY):
        raise broken_off()
    return found if isinstance(found, UploadedFile) else None


def check_whole(request: HttpRequest) -> None:
    """Refuse a form with several files of which only the first arrived: its last field, ``whole``, is missing then."""
    if TOO_LARGE in request.META:
        raise Refused("too_large", "This is more than a form may carry; send less.", status=413)
    if BROKEN_OFF in request.META or (_announced(request) > MAX_BODY and "whole" not in request.POST):
        raise broken_off()


def uploaded_stream(request: HttpRequest, name: str) -> BinaryIO | None:
    """The bytes of a form's file, None when none came."""
    found = uploaded(request, name)
    return None if found is None else stream_of(found)


def stream_of(file: UploadedFile[bytes]) -> BinaryIO:
    """The bytes of an uploaded file; Django's stubs do not say that they are a stream in memory or on disk."""
    return cast("BinaryIO", file.file)
