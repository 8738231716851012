"""How people come in: by invitation of an organisation, never by signing up alone."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class InvitedOnly(DefaultAccountAdapter):  # type: ignore[misc] # allauth ships no types
    """The sign-up page is closed; an invitation makes the person."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
