"""What an owner asks its guardian to run, and the error both raise when it cannot be done."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]

#: Files in the data folder: held by the living guardian, held while starting, and the addresses to join by.
GUARDIAN_LOCK = "guardian.lock"
START_LOCK = "start.lock"
STATE = "state.json"


class ServicesError(RuntimeError):
    """The embedded services cannot be started or joined; the message says why."""


class Identity(StrEnum):
    """Under which user PostgreSQL runs; it refuses root."""

    SAME = "same"
    NAMESPACE = "namespace"
    NOBODY = "nobody"


@dataclass(frozen=True)
class Plan:
    """One pair of services: whose they are, where their sockets and data live, and how durable they are.

    ``identity`` is decided by the guardian when it is None.
    """

    owner: int
    runtime: Path
    data: Path
    ephemeral: bool
    durable: bool
    identity: Identity | None = None

    def to_line(self) -> str:
        """The plan as one line of JSON, as the guardian reads it."""
        return json.dumps({**asdict(self), "runtime": str(self.runtime), "data": str(self.data)}) + "\n"

    @classmethod
    def from_line(cls, line: str) -> Plan:
        """Read back what ``to_line`` wrote."""
        fields = json.loads(line)
        return cls(
            owner=int(fields["owner"]),
            runtime=Path(fields["runtime"]),
            data=Path(fields["data"]),
            ephemeral=bool(fields["ephemeral"]),
            durable=bool(fields["durable"]),
            identity=None if fields["identity"] is None else Identity(fields["identity"]),
        )


def try_lock(path: Path) -> int | None:
    """Take the lock on a file and return its descriptor, or None when another process holds it.

    The lock dies with its holder, so it never needs repair.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
