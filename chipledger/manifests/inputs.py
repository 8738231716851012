"""Files as people have them, read into rows of a canonical manifest: CSV in any column order, and JSON Lines."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import BinaryIO, Final

from chipledger.manifests.faults import FaultLog
from chipledger.manifests.reader import MAX_LINE, MAX_ROWS, ROW_TOO_LONG, too_many_rows
from chipledger.manifests.shapes import Shape
from chipledger.refusals import Refused
from chipledger.strict_json import parse_object

_BOM: Final = b"\xef\xbb\xbf"
# A chip may also come in two columns, and a chip without a key of its own needs no column for it.
_OPTIONAL: Final = frozenset({"device_key"})

Row = tuple[str, ...]


def read_rows(stream: BinaryIO, shape: Shape, faults: FaultLog) -> Iterator[tuple[int, Row]]:
    """Rows with their numbers in the file; whether it is CSV or JSON Lines is told by its first character alone."""
    start = stream.read(64)
    stream.seek(0)
    is_json = start.removeprefix(_BOM).lstrip()[:1] == b"{"
    return _numbered_json_lines(stream, shape, faults) if is_json else _numbered_csv(stream, shape, faults)


def read_csv(stream: BinaryIO, shape: Shape, faults: FaultLog) -> Iterator[Row]:
    """Rows of a CSV file whose header names the columns in any order; well-formed rows only, the rest is in ``faults``.

    A byte order mark, quotes, CRLF and blanks around values are tolerated. Refuses at once a header without the
    needed columns, with unknown or repeated ones, and a file that is not UTF-8 text.
    """
    return (row for _, row in _numbered_csv(stream, shape, faults))


def read_json_lines(stream: BinaryIO, shape: Shape, faults: FaultLog) -> Iterator[Row]:
    """Rows of a JSON Lines file, one object a line; well-formed rows only, the rest is in ``faults``."""
    return (row for _, row in _numbered_json_lines(stream, shape, faults))


def _numbered_csv(stream: BinaryIO, shape: Shape, faults: FaultLog) -> Iterator[tuple[int, Row]]:
    table = csv.reader(_lines(stream), strict=True, skipinitialspace=True)
    try:
        header = [name.strip().lower() for name in next(table, [])]
        _check_header(header, shape)
        for number, values in enumerate(table, 1):
            if not values:
                continue
            if len(values) != len(header):
                sentence = f"The row has {len(values)} fields and the header {len(header)}; give it as many."
                faults.add(number, "row", ",".join(values), "row_malformed", sentence)
                continue
            found = _row_of({name: value.strip() for name, value in zip(header, values, strict=True)}, shape)
            if _is_well_formed(number, found, shape, faults):
                yield number, found
    except csv.Error as error:
        raise Refused(
            "csv_malformed",
            f"The file is not CSV: {error}. Correct it, or save the table as CSV anew.",
            row=max(table.line_num - 1, 0),
        ) from None


def _numbered_json_lines(stream: BinaryIO, shape: Shape, faults: FaultLog) -> Iterator[tuple[int, Row]]:
    known = _known_columns(shape)
    for number, line in enumerate(_lines(stream), 1):
        if not line.strip():
            continue
        try:
            members = parse_object(line.encode("utf-8", "surrogateescape"), max_bytes=MAX_LINE)
        except Refused as refusal:
            faults.add(number, refusal.field or "row", refusal.value or line, refusal.code, refusal.sentence)
            continue
        before = len(faults)
        for name, value in members.items():
            if name not in known:
                faults.add(
                    number,
                    name,
                    str(value),
                    "unknown_field",
                    "The row has a member that is not known; leave it out.",
                )
            elif not isinstance(value, str) and not (value is None and name in _OPTIONAL):
                faults.add(number, name, str(value), "row_malformed", "Write the member as text.")
        if len(faults) == before:
            found = _row_of({name: value for name, value in members.items() if isinstance(value, str)}, shape)
            if _is_well_formed(number, found, shape, faults):
                yield number, found


def _known_columns(shape: Shape) -> frozenset[str]:
    return frozenset(shape.fields) | ({"maker", "serial"} if shape is Shape.CHIPS else set())


def _check_header(header: list[str], shape: Shape) -> None:
    given = set(header)
    if len(given) != len(header):
        raise Refused(
            "csv_header",
            "The header names a column twice; leave one of them out.",
            field="header",
            value=",".join(header),
        )
    for name in header:
        if name not in _known_columns(shape):
            raise Refused(
                "csv_header",
                "The header names a column that is not known; rename it, or leave it out.",
                field="header",
                value=name,
            )
    needed = set(shape.fields) - _OPTIONAL
    if not needed <= given and not (shape is Shape.CHIPS and {"maker", "serial"} <= given):
        missing = ", ".join(sorted(needed - given))
        raise Refused(
            "csv_header",
            f"The header lacks {missing}; add what is missing.",
            field="header",
            value=",".join(header),
        )


def _row_of(members: dict[str, str], shape: Shape) -> Row:
    if shape is Shape.CHIPS and "chip" not in members:
        return (f"{members.get('maker', '')}/{members.get('serial', '')}",)
    return tuple(members.get(name, "") for name in shape.fields)


def _is_well_formed(number: int, row: Row, shape: Shape, faults: FaultLog) -> bool:
    before = len(faults)
    for rule, value in zip(shape.rules, row, strict=True):
        raw = value.encode("utf-8", "surrogateescape")
        if not rule.fits(raw):
            faults.add(number, rule.name, raw, rule.code, rule.sentence)
    return len(faults) == before


def _lines(stream: BinaryIO) -> Iterator[str]:
    """Lines as text, undecodable bytes kept for the fault that names them; never read past a line's or file's limit."""
    number = 0
    while line := stream.readline(MAX_LINE + 2):
        if number == 0:
            if line.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in line:
                raise Refused("manifest_encoding", "The file is not UTF-8; save it in that encoding.")
            line = line.removeprefix(_BOM)
        if len(line) > MAX_LINE + 1:
            raise Refused("row_too_long", ROW_TOO_LONG, row=number)
        number += 1
        if number > MAX_ROWS + 1:
            raise too_many_rows()
        yield line.decode("utf-8", "surrogateescape")
