"""The form in which a list of serials is asked about."""

from __future__ import annotations

from django import forms


class LookupForm(forms.Form):
    """Serials, pasted or in a file."""

    serials = forms.CharField(
        label="Serials",
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text="Up to 10,000, apart by spaces, commas or lines: "
        "A0001-7, or maker/A0001-7 where makers share a serial.",
    )
    file = forms.FileField(
        label="Or a file",
        required=False,
        help_text="Text with one serial a line, CSV with a column chip, or JSON Lines.",
    )
