"""Options that several verbs share, and what they mean."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from chipledger import clock
from chipledger.cli.client import Api
from chipledger.cli.output import Output
from chipledger.keys import PrivateKey
from chipledger.refusals import Refused
from chipledger.statements import common_fields
from chipledger.statements.common import SignerRef

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

Run = Callable[[argparse.Namespace, Output], None]
PASSWORD_VARIABLE = "CHIPLEDGER_KEY_PASSWORD"  # noqa: S105 — the name of a variable, no password


def add_verb(verbs: Verbs, name: str, run: Run, *, help: str) -> argparse.ArgumentParser:  # noqa: A002
    verb = verbs.add_parser(name, help=help, description=help)
    verb.add_argument("--json", action="store_true", help="print one JSON object")
    verb.set_defaults(run=run)
    return verb


def add_server(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--server",
        default=os.environ.get("CHIPLEDGER_SERVER"),
        help="address of the ledger (or CHIPLEDGER_SERVER); the token comes from CHIPLEDGER_TOKEN",
    )


def add_keys(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--key",
        type=Path,
        action="append",
        required=True,
        metavar="PEM",
        help=f"private key to sign with, once for each signer; its password comes from {PASSWORD_VARIABLE}",
    )


def add_signing(verb: argparse.ArgumentParser) -> None:
    """Options of verbs that build, sign and file a statement."""
    add_server(verb)
    add_keys(verb)
    verb.add_argument("--organisation", required=True, help="handle of the organisation that signs")
    verb.add_argument("--person", help="pseudonym of the person who signs (32 hex digits)")
    verb.add_argument("--log", help="origin of the log (default: the server's)")
    verb.add_argument("--issued-at", type=instant, help="RFC 3339 in UTC (default: now)")
    verb.add_argument("--out", type=Path, help="write the signed envelope here instead of filing it")


def api_of(options: argparse.Namespace) -> Api:
    if not options.server:
        raise Refused("server_unknown", "Name the server by --server or CHIPLEDGER_SERVER.", field="server")
    return Api(options.server, os.environ.get("CHIPLEDGER_TOKEN"))


def read_keys(options: argparse.Namespace) -> list[PrivateKey]:
    password = os.environ.get(PASSWORD_VARIABLE)
    return [
        PrivateKey.from_pem(read_file(path), password=password.encode() if password else None)
        for path in options.key
    ]


def read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from None


def unreadable(path: Path, error: OSError) -> Refused:
    """The refusal of a file that is not there, or not for this person."""
    return Refused(
        "file_unreadable",
        f"The file cannot be read: {error.strerror}. Name one that you may read.",
        field="file",
        value=str(path),
    )


def write_file(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Create ``path``; refuses to overwrite, because what is there may be the only copy of a key or a paper."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as error:
        raise Refused(
            "file_unwritable",
            f"The file cannot be made: {error.strerror}. Name a new one, in a folder that you may write to.",
            field="file",
            value=str(path),
        ) from None
    with os.fdopen(handle, "wb") as file:
        file.write(data)


def common_of(options: argparse.Namespace, keys: list[PrivateKey]) -> dict[str, object]:
    """The fields that every statement begins with."""
    signers = [
        SignerRef(organisation=options.organisation, key=key.public.key_id, person=options.person)
        for key in keys
    ]
    log = options.log or api_of(options).log_origin()
    return common_fields(log=log, signers=signers, at=options.issued_at or clock.now())


def instant(text: str) -> datetime:
    """RFC 3339 in UTC, as argparse wants to be told."""
    if not text.endswith("Z"):
        raise argparse.ArgumentTypeError("an instant is RFC 3339 in UTC, like 2026-01-31T12:00:00Z")
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def to_millisecond(at: datetime | None) -> datetime:
    """An instant as statements say it; now, where none is given."""
    at = at or clock.now()
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
