"""What every page knows: the rail of the reader's role, where search is, whether this is a demonstration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.module_loading import import_string

from chipledger import clock


@dataclass(frozen=True)
class RailItem:
    """One line of the rail. ``key`` is the letter that leads there after "g", empty when none was left."""

    label: str
    icon: str
    url: str
    is_current: bool
    key: str


def rail_of(request: HttpRequest) -> list[RailItem]:
    """The rail of the role that `settings.RAIL_ROLE` finds for this request; empty for a stranger.

    `settings.RAILS` maps a role to (label, icon, url name) in order. The current line is the one whose
    address is the longest beginning of the page's own.
    """
    role_finder: str | None = getattr(settings, "RAIL_ROLE", None)
    role = import_string(role_finder)(request) if role_finder else None
    lines: Sequence[tuple[str, str, str]] = getattr(settings, "RAILS", {}).get(role, ())
    addressed = [(label, icon, reverse(name)) for label, icon, name in lines]
    # The first page is everybody's beginning: it is the current one only when it is the page itself.
    beginnings = (
        url for _, _, url in addressed if request.path == url or (url != "/" and request.path.startswith(url))
    )
    current = max(beginnings, key=len, default=None)
    keys = letters_for([label for label, _, _ in addressed])
    return [
        RailItem(label, icon, url, url == current, key)
        for (label, icon, url), key in zip(addressed, keys, strict=True)
    ]


def letters_for(labels: Sequence[str]) -> list[str]:
    """A letter for each label, its first that no earlier one has taken; empty when all are."""
    taken: set[str] = set()
    found = []
    for label in labels:
        letter = next((each for each in label.lower() if each.isalpha() and each not in taken), "")
        taken.add(letter)
        found.append(letter)
    return found


def face(request: HttpRequest) -> dict[str, object]:
    """The context processor of the face."""
    search: str | None = getattr(settings, "SEARCH_URL_NAME", None)
    glossary: str | None = getattr(settings, "GLOSSARY_URL_NAME", None)
    is_demo = str(getattr(settings, "LOG_ORIGIN", "")).startswith("demo.")
    return {
        "rail": rail_of(request),
        "search_url": reverse(search) if search else None,
        "glossary_url": reverse(glossary) if glossary else None,
        "is_demo": is_demo,
        "book_time": clock.now() if is_demo else None,
    }
