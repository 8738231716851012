"""``python -m chipledger.cli`` is the command where it is not installed."""

from __future__ import annotations

import sys

from chipledger.cli import main

sys.exit(main())
