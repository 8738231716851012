"""Starts the private PostgreSQL and Redis of a test run before Django reads its settings; loaded with ``-p``."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path

from config.embedded import start

# A shell's background job is born ignoring SIGINT, and so would every process be that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)
PRIVATE = "TEST_SERVICES_ARE_PRIVATE"
os.environ["LOG_ORIGIN"] = "demo.chipledger/test"
if "PYTEST_XDIST_WORKER" not in os.environ:
    if not {"DATABASE_URL", "REDIS_URL"} <= os.environ.keys():
        SERVICES = start(None, durable=False)
        os.environ.update(SERVICES.environment() | {PRIVATE: "yes"})
    VAR = tempfile.TemporaryDirectory(prefix="chipledger-tests-")
    os.environ["VAR_DIR"] = VAR.name
    (Path(VAR.name) / "static").mkdir()  # WhiteNoise warns when there is none
os.environ["LOG_KEY_FILE"] = str(Path(os.environ["VAR_DIR"]) / "log-key.pem")
