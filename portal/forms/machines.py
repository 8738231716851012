"""Forms about what works on its own: the tokens of programs, and jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django import forms
from django.db.models import Q, QuerySet

from jobs.models import OPEN_STATES, Job, JobState
from portal.forms.filters import ANY, Filter
from registry.models import ApiToken

JOB_KINDS: Final = {
    "ledger.book": "Booking a manifest",
    "portal.check-batch": "Checking a batch",
    "portal.check-rows": "Checking rows",
}
SCOPES: Final = {
    "read": "Read: lists, papers and evidence, as the organisation may",
    "write": "File statements that keys have signed, send manifests, and read",
    "attest": "File evidence and ask for nonces, and nothing else",
}
"""What a program with a token may do, in words."""


class JobFilter(Filter):
    """Jobs by what they do, how they stand and when they began."""

    kind = forms.ChoiceField(
        required=False, label="Work", choices=[*ANY, *JOB_KINDS.items()], help_text="What the job does."
    )
    state = forms.ChoiceField(
        required=False,
        choices=[*ANY, ("open", "Not ended"), *JobState.choices],
        help_text="How it stands, or how it ended.",
    )

    def narrow(self, jobs: QuerySet[Job]) -> QuerySet[Job]:
        said = self.answers()
        if said["kind"]:
            jobs = jobs.filter(kind=said["kind"])
        if said["state"]:
            jobs = jobs.filter(state__in=OPEN_STATES if said["state"] == "open" else [said["state"]])
        return jobs


class TokenFilter(Filter):
    """Tokens that work, or that ended."""

    state = forms.ChoiceField(
        required=False,
        choices=[*ANY, ("living", "Works"), ("ended", "Ended"), ("idle", "Works, never used")],
        help_text="An ended token was revoked, or its days are over.",
    )

    def narrow(self, tokens: QuerySet[ApiToken], *, at: datetime) -> QuerySet[ApiToken]:
        living = Q(revoked_at__isnull=True, expires_at__gt=at)
        match self.answers()["state"]:
            case "living":
                return tokens.filter(living)
            case "ended":
                return tokens.exclude(living)
            case "idle":
                return tokens.filter(living, last_used_at__isnull=True)
        return tokens


class TokenForm(forms.Form):
    """A program's credential."""

    label = forms.CharField(
        label="What it is for", max_length=80, help_text="So that a colleague knows what ends with it."
    )
    scopes = forms.MultipleChoiceField(
        label="Scopes",
        choices=list(SCOPES.items()),
        initial=["read"],
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
        help_text="The fewest that the program needs.",
    )
    days = forms.IntegerField(
        label="Days it lives",
        min_value=1,
        max_value=366,
        initial=90,
        help_text="At most 366; then make a new one.",
    )
