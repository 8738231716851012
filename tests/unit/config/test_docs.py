"""What the documents point at is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]
DOCUMENTS = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_every_link_to_a_file_of_ours_leads_somewhere(document: Path) -> None:
    links = LINK.findall(document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_every_verb_that_the_readme_names_is_one_of_the_makefile() -> None:
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    verbs = set(re.findall(r"make ([a-z][a-z-]*)", re.sub(r"make and ", "", readme)))
    rules = set(re.findall(r"^([a-z-]+):", (CHECKOUT / "Makefile").read_text(encoding="utf-8"), re.M))
    assert {"demo", "test"} <= verbs <= rules
