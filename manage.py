#!/usr/bin/env python
"""Django's command line, beside the embedded services when DATABASE_URL and REDIS_URL are unset."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from config.embedded import ServicesError, ensure


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    var = Path(os.environ.get("VAR_DIR") or Path(__file__).resolve().parent / "var")
    try:
        ensure(var / "embedded")
    except ServicesError as failure:
        sys.exit(str(failure))

    from django.core.management import execute_from_command_line  # after the environment names the services

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
