"""Reading and writing canonical manifests as streams: checked, hashed and folded into the rows root in one pass."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from chipledger.keys import check_device_key
from chipledger.manifests.faults import Fault, FaultLog
from chipledger.manifests.shapes import FieldRule, Shape
from chipledger.merkle import CompactRange
from chipledger.refusals import Refused

MAX_BYTES: Final = 512 * 1024 * 1024
MAX_ROWS: Final = 1_000_000
MAX_LINE: Final = 4096
SECRET_SIZE: Final = 32
LINE_ENDS: Final = "End the lines of a manifest with LF alone."
ROW_TOO_LONG: Final = f"Shorten the row to at most {MAX_LINE} bytes."
_CHUNK: Final = 256 * 1024


@dataclass(frozen=True)
class ManifestSummary:
    """What a statement says of its manifest. ``size`` in bytes; ``rows`` without the header; hashes in hex."""

    sha256: str
    size: int
    rows: int
    rows_root: str


def check_secret(secret: bytes, *, field: str | None = None, value: str | None = None) -> None:
    """Refuse a secret of another length; rows could be guessed under a short one."""
    if len(secret) != SECRET_SIZE:
        raise Refused(
            "manifest_secret_malformed",
            f"Give a manifest secret of {SECRET_SIZE} bytes.",
            field=field,
            value=value,
        )


def too_large() -> Refused:
    """The refusal of a manifest beyond the limit, however it comes."""
    return Refused("manifest_too_large", f"A manifest has at most {MAX_BYTES} bytes; split it.", status=413)


def too_many_rows() -> Refused:
    """The refusal of rows beyond the limit, in a manifest or in the file that becomes one."""
    return Refused("manifest_too_many_rows", f"A manifest has at most {MAX_ROWS} rows; split it.", status=413)


def empty() -> Refused:
    """The refusal of a manifest that names nothing."""
    return Refused("manifest_empty", "The manifest has no rows; give at least one.")


class _RowHasher:
    """Row leaves of one manifest secret. HMAC's key blocks are hashed once and copied, which halves its cost."""

    def __init__(self, secret: bytes) -> None:
        check_secret(secret)
        block = secret.ljust(64, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def salt(self, row: bytes) -> bytes:
        """HMAC-SHA256(secret, row)."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(row)
        outer.update(inner.digest())
        return outer.digest()

    def leaves(self, rows: Iterable[bytes]) -> Iterator[bytes]:
        sha256, salt = hashlib.sha256, self.salt
        for row in rows:
            yield sha256(b"\x00" + salt(row) + row).digest()


def row_leaf(secret: bytes, row: bytes) -> tuple[bytes, bytes]:
    """Salt and leaf of one row: HMAC-SHA256(secret, row) and SHA-256(0x00 ‖ salt ‖ row), row without its LF."""
    salt = _RowHasher(secret).salt(row)
    return salt, hashlib.sha256(b"\x00" + salt + row).digest()


class ManifestReader:
    """Feed it a manifest in chunks; it checks every row and knows the summary at the end.

    Faults of rows go to ``faults`` and reading goes on; what makes the rest unreadable, or longer than the limits, is
    Refused at once. ``on_rows`` gets the well-formed rows (numbers, bytes without LF) by batches, duplicates included:
    what they are worth is known after :meth:`close`, when ``faults`` is empty. Memory is bounded by 1,000,000 rows,
    of which it keeps a 64-bit hash per unique field. ``check_keys`` also checks that device keys are points of
    their curve and not of small order.
    """

    def __init__(
        self,
        shape: Shape,
        secret: bytes,
        *,
        on_fault: Callable[[Fault], None] | None = None,
        on_rows: Callable[[list[int], list[bytes]], None] | None = None,
        check_keys: bool = True,
    ) -> None:
        self.shape = shape
        self.faults = FaultLog(on_fault)
        self.rows = 0
        self.size = 0
        self._hasher = _RowHasher(secret)
        self._sha256 = hashlib.sha256()
        self._tree = CompactRange()
        self._rest = b""
        self._header_seen = False
        self._skipping = False
        self._on_rows = on_rows
        self._check_keys = check_keys and shape is Shape.COMMISSION
        self._unique = [(place, rule) for place, rule in enumerate(shape.rules) if rule.unique]
        self._seen: dict[str, set[int]] = {rule.name: set() for _, rule in self._unique}

    def feed(self, chunk: bytes) -> None:
        """Read on. Raises Refused when the file cannot be a manifest of this shape within the limits."""
        self.size += len(chunk)
        if self.size > MAX_BYTES:
            raise too_large()
        self._sha256.update(chunk)
        for start in range(0, len(chunk), _CHUNK):
            self._read(chunk[start : start + _CHUNK])

    def close(self) -> ManifestSummary:
        """The summary of everything fed; meaningful when ``faults`` is empty."""
        if not self._header_seen:
            self._refuse_header(self._rest)
        if self._rest or self._skipping:
            if not self._skipping:
                self._count(1)
            self.faults.add(
                self.rows, "row", self._rest, "row_unfinished", "The file must end with a line feed; add it."
            )
        if self.rows == 0:
            raise empty()
        return ManifestSummary(self._sha256.hexdigest(), self.size, self.rows, self._tree.root().hex())

    def _read(self, chunk: bytes) -> None:
        if self._skipping:
            _, found, chunk = chunk.partition(b"\n")
            if not found:
                return
            self._skipping = False
        text = self._rest + chunk
        end = text.rfind(b"\n") + 1
        lines, self._rest = text[:end], text[end:]
        if not self._header_seen and (lines or len(self._rest) > MAX_LINE):
            lines = self._read_header(lines or self._rest)
        if lines:
            self._read_lines(lines)
        if len(self._rest) > MAX_LINE:
            self._count(1)
            self._fault_too_long(self._rest)
            self._rest, self._skipping = b"", True

    def _read_header(self, lines: bytes) -> bytes:
        if not lines.startswith(self.shape.header):
            self._refuse_header(lines)
        self._header_seen = True
        return lines[len(self.shape.header) :]

    def _refuse_header(self, lines: bytes) -> None:
        first = lines.partition(b"\n")[0]
        if first.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")) or b"\0" in first:
            raise Refused(
                "manifest_encoding", "Write a manifest in UTF-8, without a byte order mark.", field="header"
            )
        if first + b"\n" == self.shape.header[:-1] + b"\r\n":
            raise Refused("manifest_line_ends", LINE_ENDS, field="header")
        if not lines:
            raise empty()
        raise Refused(
            "manifest_header",
            f"The first line must be {self.shape.header.decode().strip()}; write it so.",
            field="header",
            value=first[:200].decode("utf-8", "backslashreplace"),
        )

    def _read_lines(self, lines: bytes) -> None:
        rows = lines[:-1].split(b"\n")
        first = self.rows + 1
        self._count(len(rows))
        if self.shape.block.fullmatch(lines) is None:
            numbers = [number for number, row in enumerate(rows, first) if self._is_well_formed(number, row)]
            rows = [rows[number - first] for number in numbers]
        else:
            numbers = list(range(first, first + len(rows)))
        fields = [row.split(b",") for row in rows]
        for place, rule in self._unique:
            self._check_unique(rule, numbers, [row[place] for row in fields])
        if self._check_keys:
            self._check_device_keys(numbers, [row[2] for row in fields])
        self._tree.extend(self._hasher.leaves(rows))
        if self._on_rows is not None and rows:
            self._on_rows(numbers, rows)

    def _count(self, rows: int) -> None:
        self.rows += rows
        if self.rows > MAX_ROWS:
            raise too_many_rows()

    def _fault_too_long(self, row: bytes) -> None:
        self.faults.add(self.rows, "row", row, "row_too_long", ROW_TOO_LONG)

    def _is_well_formed(self, number: int, row: bytes) -> bool:
        """Whether a row has the right fields; every fault in it is recorded."""
        before = len(self.faults)
        rules = self.shape.rules
        values = row.split(b",")
        if len(row) > MAX_LINE:
            self.faults.add(number, "row", row, "row_too_long", ROW_TOO_LONG)
        elif not _is_utf8(row):
            self.faults.add(
                number, "row", row, "not_utf8", "The row is not UTF-8; write it in that encoding."
            )
        elif row.endswith(b"\r"):
            self.faults.add(number, "row", row, "row_line_end", LINE_ENDS)
        elif len(values) != len(rules):
            self.faults.add(
                number,
                "row",
                row,
                "row_malformed",
                f"The row has {len(values)} fields; give it {len(rules)}.",
            )
        else:
            for rule, value in zip(rules, values, strict=True):
                if not rule.fits(value):
                    self.faults.add(number, rule.name, value, rule.code, rule.sentence)
        return len(self.faults) == before

    def _check_unique(self, rule: FieldRule, numbers: list[int], values: list[bytes]) -> None:
        # 64-bit hashes keyed afresh in every process: a clash of two different values has odds of 1 in 30 million
        # for a full manifest, and then the same file passes the next time.
        seen = self._seen[rule.name]
        filled = [value for value in values if value]
        marks = set(map(hash, filled))
        if len(marks) == len(filled) and seen.isdisjoint(marks):
            seen |= marks
            return
        for number, value in zip(numbers, values, strict=True):
            mark = hash(value)
            if value and mark in seen:
                self.faults.add(
                    number,
                    rule.name,
                    value,
                    f"duplicate_{rule.name}",
                    f"This {rule.name.replace('_', ' ')} is here twice; leave one of the rows out.",
                )
            seen.add(mark)

    def _check_device_keys(self, numbers: list[int], keys: list[bytes]) -> None:
        for number, key in zip(numbers, keys, strict=True):
            if key:
                try:
                    check_device_key(key)
                except Refused as refusal:
                    self.faults.add(number, "device_key", key, "bad_device_key", refusal.sentence)


def summarise(
    stream: BinaryIO, shape: Shape, secret: bytes, *, on_fault: Callable[[Fault], None] | None = None
) -> ManifestSummary:
    """Read a whole canonical manifest; refuses it with its first fault, after passing all of them to ``on_fault``."""
    reader = ManifestReader(shape, secret, on_fault=on_fault)
    while chunk := stream.read(_CHUNK):
        reader.feed(chunk)
    summary = reader.close()
    reader.faults.check()
    return summary


def write_canonical(rows: Iterable[Sequence[str]], out: BinaryIO, shape: Shape) -> int:
    """Write header and rows (fields in the order of the shape) and return how many rows; checks nothing."""
    out.write(shape.header)
    count = 0
    for row in rows:
        out.write(",".join(row).encode() + b"\n")
        count += 1
    return count


def _is_utf8(row: bytes) -> bool:
    try:
        row.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
