"""Exports of lists: exactly as shown, however long, safe in a spreadsheet, and saying what they were made from."""

from __future__ import annotations

import csv
import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.http import FileResponse, StreamingHttpResponse
from django.utils.http import content_disposition_header

from chipledger import base64s

# A spreadsheet takes a cell that begins so for a formula (OWASP, "CSV Injection").
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_CHUNK_BYTES = 64 * 1024
CSV_TYPE: Final = "text/csv; charset=utf-8"


class _Echo:
    """A file that hands back what is written to it, so that the csv module can be streamed."""

    def write(self, line: str) -> str:
        return line


_WRITER = csv.writer(_Echo())


def cell(value: object) -> str:
    """One value as text. Numbers stay numbers; text that could be read as a formula gets a leading quote."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return str(value)
        case datetime() if value.tzinfo is not None:
            return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    """UTF-8 CSV (RFC 4180) in chunks of about 64 KiB; memory stays bounded whatever the number of rows."""
    pending: list[bytes] = [csv_line(header)]
    size = len(pending[0])
    for row in rows:
        line = csv_line(row)
        pending.append(line)
        size += len(line)
        if size >= _CHUNK_BYTES:
            yield b"".join(pending)
            pending, size = [], 0
    if pending:
        yield b"".join(pending)


@dataclass(frozen=True)
class Provenance:
    """What an export was made from, so that two people can see whether they hold the same one.

    ``size`` and ``root`` (hex) are the newest checkpoint of the log ``origin``, None before there is one.
    """

    title: str
    narrowed_to: str
    made_at: datetime
    origin: str
    size: int | None
    root: str | None

    def as_members(self) -> dict[str, object]:
        """The same as members of a JSON object."""
        checkpoint = None if self.size is None else {"log": self.origin, "size": self.size, "root": self.root}
        return {
            "title": self.title,
            "filter": self.narrowed_to,
            "made_at": cell(self.made_at),
            "checkpoint": checkpoint,
        }


def csv_file(
    name: str, header: Sequence[str], rows: Iterable[Sequence[object]], *, made: Provenance
) -> FileResponse:
    """A download of ``rows`` as CSV, with its SHA-256 in `Repr-Digest` (RFC 9530) and, shortened, in its name.

    The digest comes before the bytes, so the file is first written to disk: memory stays bounded, the wait does not.
    Give it an iterator (`queryset.iterator()`), never a list of a million.
    """
    digest = hashlib.sha256()
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    for chunk in csv_lines(header, rows):
        digest.update(chunk)
        file.write(chunk)
    file.seek(0)
    response = FileResponse(
        file, as_attachment=True, filename=f"{name}-{digest.hexdigest()[:16]}.csv", content_type=CSV_TYPE
    )
    response["Repr-Digest"] = f"sha-256=:{base64s.encode(digest.digest())}:"
    response["Chipledger-Made-At"] = cell(made.made_at)
    if made.size is not None:
        response["Chipledger-Checkpoint"] = f"{made.origin} {made.size} {made.root}"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def json_file(
    name: str, header: Sequence[str], rows: Iterable[Sequence[object]], *, made: Provenance
) -> StreamingHttpResponse:
    """A download of the same rows as one JSON object, streamed; ``csv_sha256`` at its end is that of the CSV."""
    response = StreamingHttpResponse(
        json_lines(header, rows, made=made), content_type="application/json; charset=utf-8"
    )
    disposition = content_disposition_header(as_attachment=True, filename=f"{name}.json")
    if disposition:
        response["Content-Disposition"] = disposition
    response["X-Content-Type-Options"] = "nosniff"
    return response


def json_lines(
    header: Sequence[str], rows: Iterable[Sequence[object]], *, made: Provenance
) -> Iterator[bytes]:
    """One JSON object: where the rows come from, a row a line with values as the CSV has them, and the CSV's digest."""
    head = json.dumps(made.as_members(), ensure_ascii=False)
    yield f'{head[:-1]}, "columns": {json.dumps(list(header))}, "rows": ['.encode()
    digest = hashlib.sha256(csv_line(header))
    separator = "\n"
    for row in rows:
        digest.update(csv_line(row))
        values = [value if isinstance(value, int) or value is None else cell(value) for value in row]
        yield (separator + json.dumps(values, ensure_ascii=False)).encode()
        separator = ",\n"
    yield f'\n], "csv_sha256": "{digest.hexdigest()}"}}\n'.encode()


def csv_line(row: Sequence[object]) -> bytes:
    """One row as the CSV has it, with its line end."""
    return str(_WRITER.writerow([cell(value) for value in row])).encode()
