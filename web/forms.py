"""The form of the style page: one of each kind of field."""

from __future__ import annotations

from django import forms


class SampleForm(forms.Form):
    """Fields as they look; nothing is done with them."""

    serial = forms.CharField(
        label="Serial", help_text="As printed on the chip, letters and digits.", max_length=64
    )
    state = forms.ChoiceField(
        label="State", required=False, choices=[("", "Any"), ("transit", "In transit"), ("hand", "On hand")]
    )
    since = forms.DateField(label="Since", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    skip = forms.BooleanField(label="Skip rows already registered identically", required=False)


class SampleFileForm(forms.Form):
    """A file to drop."""

    manifest = forms.FileField(label="Manifest", help_text="CSV or JSON Lines, up to 1,000,000 rows.")
