"""The guides of the documentation, written by the tests that do what they say.

A step that stops working stops the test; words that no longer match `docs/guides` stop it, too. `make docs` writes
guides and pictures anew.
"""

from __future__ import annotations

import os
from pathlib import Path

from playwright.sync_api import Page

from tests.browser.conftest import picture

GUIDES = Path(__file__).resolve().parents[2] / "docs" / "guides"


class Guide:
    """One guide: a title, a sentence on whom it is for, and its steps in order."""

    def __init__(self, name: str, title: str, purpose: str) -> None:
        self.path = GUIDES / f"{name}.md"
        self._name = name
        self._lines = [f"# {title}", "", purpose, ""]
        self._steps = 0

    def step(self, words: str, page: Page | None = None) -> None:
        """A step in words; with a page, a picture of it as it is now."""
        self._steps += 1
        self._lines.append(f"{self._steps}. {words}")
        if page is not None:
            name = f"guide-{self._name}-{self._steps}"
            picture(page, name)
            self._lines += ["", f"   ![{words.split('.')[0]}](../images/{name}.png)", ""]

    def close(self) -> None:
        """Write the guide when new ones are asked for; otherwise it must say what was done."""
        text = "\n".join(self._lines).rstrip() + "\n"
        if os.environ.get("UPDATE_SCREENSHOTS") == "1":
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(text, encoding="utf-8")
        assert self.path.read_text(encoding="utf-8") == text, f"run `make docs`: {self.path} is out of date"
