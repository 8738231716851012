"""Progress bars on standard error: one line that redraws itself on a terminal, a few plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Final, TextIO

WIDTH: Final = 30
REDRAW_SECONDS: Final = 0.1


class Progress:
    """How far one long piece of work is."""

    def __init__(self, title: str, total: int, *, stream: TextIO | None = None) -> None:
        self.title = title
        self.total = max(total, 1)
        self._stream = sys.stderr if stream is None else stream
        self._is_terminal = self._stream.isatty()
        self._began = time.monotonic()
        self._drawn = 0.0
        self._tenth = -1

    def show(self, done: int, note: str = "") -> None:
        """Draw the bar at ``done`` of the total, not more often than anybody could read it."""
        now = time.monotonic()
        tenth = 10 * done // self.total
        if self._is_terminal:
            if now - self._drawn < REDRAW_SECONDS and done < self.total:
                return
        elif tenth == self._tenth:
            return
        self._drawn, self._tenth = now, tenth
        filled = WIDTH * min(done, self.total) // self.total
        bar = "#" * filled + "." * (WIDTH - filled)
        percent = 100 * min(done, self.total) // self.total
        line = f"{self.title:<10} [{bar}] {percent:>3} %  {now - self._began:>5.0f} s  {note}"
        end = "\n" if done >= self.total or not self._is_terminal else ""
        start = "\r\x1b[K" if self._is_terminal else ""
        self._stream.write(f"{start}{line}{end}")
        self._stream.flush()
