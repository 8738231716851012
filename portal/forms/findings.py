"""Forms about a finding: why it came to it, with words and documents, and what a regulator makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django import forms
from django.core.files.uploadedfile import UploadedFile

from chipledger.statements.audits import FindingDecided, FindingExplained
from ledger.attachments import MAX_BYTES
from portal.forms.papers import CHOOSE, PaperForm, words_of

MOST_FILES: Final = 7
"""A statement names eight attachments; the words are one."""
ROOT_CAUSES = FindingExplained.model_fields["root_cause"].annotation
DECISIONS = FindingDecided.model_fields["decision"].annotation


class FilesInput(forms.FileInput):
    """One input for several files."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files. Their names and types decide nothing; their size is judged as they are kept."""

    widget = FilesInput

    def clean(
        self, data: Sequence[UploadedFile[bytes]] | None, initial: Any = None
    ) -> list[UploadedFile[bytes]]:
        given = [super(FilesField, self).clean(each, initial) for each in data or []]
        if len(given) > MOST_FILES:
            raise forms.ValidationError(f"These are {len(given)} files; choose at most {MOST_FILES}.")
        return given


class ExplainForm(PaperForm):
    """Why it came to a finding."""

    kind = "finding.explained"
    root_cause = forms.ChoiceField(
        label="Root cause",
        choices=[CHOOSE, *words_of(ROOT_CAUSES)],
        help_text="What it came from, as far as you know; the regulator decides what to make of it.",
    )
    words = forms.CharField(
        label="In your words",
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="What happened, and what you did about it. Kept beside the paper, which carries only its hash.",
    )
    documents = FilesField(
        label="Documents",
        required=False,
        help_text=f"At most {MOST_FILES}, of {MAX_BYTES // 2**20} MiB each: a delivery note, a photograph, a report "
        "to the police. The regulator reads them; nobody else does.",
    )


class DecideForm(PaperForm):
    """What a regulator makes of a finding."""

    kind = "finding.decided"
    decision = forms.ChoiceField(
        label="Decision",
        choices=[CHOOSE, *words_of(DECISIONS)],
        help_text="It closes the finding, and counts in how precise its rule is.",
    )
    reason = forms.SlugField(
        label="Reason", max_length=63, help_text="A short code, such as receipt-filed or inspected-2026-14."
    )
