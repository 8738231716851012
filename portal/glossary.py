"""The words of the house as docs/glossary.md explains them, read once."""

from __future__ import annotations

import re
from functools import lru_cache

from django.conf import settings
from django.utils.text import slugify

_ROW = re.compile(r"\| (?P<words>[^|]+) \| (?P<meaning>[^|]+) \|")


@lru_cache(maxsize=1)
def entries() -> list[tuple[list[tuple[str, str]], str]]:
    """The rows of the glossary: their words, each with its anchor, and the meaning."""
    text = (settings.BASE_DIR / "docs" / "glossary.md").read_text(encoding="utf-8")
    rows = [_ROW.fullmatch(line) for line in text.splitlines()[4:]]
    return [
        (
            [(word.strip(), slugify(word)) for word in row["words"].split(",")],
            row["meaning"].replace("`", "").strip(),
        )
        for row in rows
        if row is not None
    ]


@lru_cache(maxsize=1)
def anchors() -> frozenset[str]:
    """The anchors of all words."""
    return frozenset(anchor for words, _ in entries() for _, anchor in words)
