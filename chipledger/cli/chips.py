"""Chips as a user names them on the command line or in a file, and the manifests made of them."""

from __future__ import annotations

import argparse
import csv
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from chipledger.cli.filing import rejected_file
from chipledger.cli.options import api_of, read_file, unreadable, write_file
from chipledger.manifests import Fault, FaultLog, Shape, read_csv, read_json_lines, summarise, write_canonical
from chipledger.manifests.reader import SECRET_SIZE, check_secret
from chipledger.refusals import Refused
from chipledger.statements.common import MAX_INLINE_CHIPS, ManifestRef


@dataclass(frozen=True)
class PreparedManifest:
    """A canonical file on disk, what a statement says of it, and the secret its rows are salted with."""

    path: Path
    ref: ManifestRef
    secret: bytes


def add_selection(verb: argparse.ArgumentParser) -> None:
    group = verb.add_mutually_exclusive_group(required=True)
    group.add_argument("--chip", action="append", metavar="MAKER/SERIAL", help="a chip, once for each")
    group.add_argument(
        "--chips", type=Path, metavar="FILE", help="CSV or JSON Lines with chip, or maker and serial"
    )
    add_secret(verb)


def add_secret(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--secret-file",
        type=Path,
        help="secret of the manifest, made when missing; keep it, single rows are proved with it "
        "(default: beside the file, ending in .secret)",
    )


@contextmanager
def prepare_manifest(source: Path, shape: Shape, secret_file: Path | None) -> Iterator[PreparedManifest]:
    """Convert a CSV or JSON Lines file to a canonical manifest, or refuse it with its first fault.

    Every fault goes to a file beside the source, ending in ``.rejected.csv``.
    """
    secret = _secret_of(secret_file or source.with_name(source.name + ".secret"))
    with tempfile.TemporaryDirectory(prefix="chipledger-") as folder:
        path = Path(folder) / "manifest.csv"
        rejected = rejected_file(source)
        read = read_json_lines if source.suffix in (".jsonl", ".ndjson", ".json") else read_csv
        try:
            with _rejected_rows(rejected) as on_fault:
                faults = FaultLog(on_fault)
                with source.open("rb") as stream, path.open("wb") as out:
                    write_canonical(read(stream, shape, faults), out, shape)
                _check(faults, rejected)
                with path.open("rb") as stream:
                    summary = summarise(stream, shape, secret, on_fault=on_fault)
        except OSError as error:
            raise unreadable(source, error) from None
        yield PreparedManifest(path, ManifestRef(**asdict(summary)), secret)


@contextmanager
def selection_of(options: argparse.Namespace) -> Iterator[dict[str, object]]:
    """The member ``chips`` or ``manifest`` of a statement; a manifest is uploaded first."""
    if options.chip:
        yield {"chips": sorted(set(options.chip))}
        return
    with prepare_manifest(options.chips, Shape.CHIPS, options.secret_file) as manifest:
        if manifest.ref.rows <= MAX_INLINE_CHIPS:
            yield {"chips": sorted(manifest.path.read_text("utf-8").split("\n")[1:-1])}
            return
        api_of(options).upload_manifest(manifest.path, manifest.secret, manifest.ref)
        yield {"manifest": manifest.ref}


@contextmanager
def _rejected_rows(path: Path) -> Iterator[Callable[[Fault], None]]:
    """Writes faults to a CSV file as they come; a file without faults is not left behind."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("row", "field", "value", "code", "sentence"))

        def write(fault: Fault) -> None:
            nonlocal count
            count += 1
            table.writerow((fault.row, fault.field, fault.value, fault.code, fault.sentence))

        try:
            yield write
        finally:
            if count == 0:
                path.unlink()


def _check(faults: FaultLog, rejected: Path) -> None:
    """Refuse with the first fault, and say how many there are and where they stand."""
    if faults.first:
        first = faults.first[0]
        counted = ", ".join(f"{count} {code}" for code, count in faults.counts.most_common())
        raise Refused(
            first.code,
            f"{first.sentence} Faults in all: {counted}; see {rejected.name}.",
            row=first.row,
            field=first.field,
            value=first.value,
        )


def _secret_of(path: Path) -> bytes:
    if not path.exists():
        write_file(path, secrets.token_bytes(SECRET_SIZE), mode=0o600)
    secret = read_file(path)
    check_secret(secret, field="secret-file", value=str(path))
    return secret
