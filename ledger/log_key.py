"""The key that the log signs its checkpoints with, read from a file that the application never writes in production."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from chipledger.keys import Algorithm, PrivateKey
from chipledger.notes import NoteKey


@lru_cache(maxsize=4)
def _load(path: Path, changed_ns: int) -> PrivateKey:
    return PrivateKey.from_pem(path.read_bytes())


def log_key() -> PrivateKey:
    """The log's Ed25519 key; without its file nothing can be signed."""
    path = Path(settings.LOG_KEY_FILE)
    if not path.exists():
        raise ImproperlyConfigured("LOG_KEY_FILE does not exist; `manage.py found` makes one for a demo.")
    return _load(path, path.stat().st_mtime_ns)


def note_key() -> NoteKey:
    """The log's public key under its name, as verifiers configure it."""
    return NoteKey(settings.LOG_ORIGIN, log_key().public)


def create_log_key() -> None:
    """Make a log key with mode 0600, unless there is one."""
    path = Path(settings.LOG_KEY_FILE)
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(PrivateKey.generate(Algorithm.ED25519).to_pem())
