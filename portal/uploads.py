"""Uploads through a form: streamed to disk, and cut off at the limit instead of filling it."""

from __future__ import annotations

from typing import BinaryIO, cast

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest

from chipledger.manifests import MAX_BYTES
from chipledger.refusals import Refused

TOO_LARGE = "portal.upload_too_large"


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


def uploaded(request: HttpRequest, name: str) -> UploadedFile[bytes] | None:
    """The file of a form's field, None when none came. Its name and declared type decide nothing."""
    if TOO_LARGE in request.META:
        raise Refused(
            "manifest_too_large", f"A file has at most {MAX_BYTES // 2**20} MiB.", field=name, status=413
        )
    found = request.FILES.get(name)
    return found if isinstance(found, UploadedFile) else None


def uploaded_stream(request: HttpRequest, name: str) -> BinaryIO | None:
    """The bytes of a form's file, None when none came."""
    found = uploaded(request, name)
    return None if found is None else stream_of(found)


def stream_of(file: UploadedFile[bytes]) -> BinaryIO:
    """The bytes of an uploaded file; Django's stubs do not say that they are a stream in memory or on disk."""
    return cast("BinaryIO", file.file)
