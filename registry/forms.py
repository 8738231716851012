"""What people fill in to come in; the rules are the actions', so that the API says the same."""

from __future__ import annotations

from django import forms

from ledger.models import SignerKind
from registry.models import Role


class JoinForm(forms.Form):
    """An organisation asks to be let in."""

    name = forms.CharField(
        label="Name of the organisation", max_length=200, help_text="As the commercial register has it."
    )
    handle = forms.CharField(
        label="Handle",
        max_length=63,
        help_text="How statements name you: 2 to 63 characters of a-z, 0-9 and hyphen.",
    )
    kind = forms.ChoiceField(
        label="What you do", choices=SignerKind.choices, help_text="It decides which statements you may sign."
    )
    countries = forms.CharField(label="Countries", max_length=800, help_text="Two letters each, like DE US.")
    email = forms.EmailField(
        label="E-mail address of the first administrator", help_text="The letter of invitation goes there."
    )
    spki = forms.CharField(
        label="Public key of the first administrator",
        max_length=4096,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Base64, as “chipledger keys new” prints it. The private key stays with you.",
    )

    def clean_countries(self) -> list[str]:
        return str(self.cleaned_data["countries"]).upper().replace(",", " ").split()


class AcceptForm(forms.Form):
    """A person joins by a letter and chooses a password."""

    name = forms.CharField(
        label="Your name",
        max_length=120,
        required=False,
        help_text="Colleagues see it; statements never carry it.",
    )
    password = forms.CharField(
        label="Password",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 12 characters.",
    )


class InviteForm(forms.Form):
    """An administrator invites a colleague."""

    email = forms.EmailField(label="E-mail address", help_text="A letter that works once goes there.")
    role = forms.ChoiceField(
        label="Role",
        choices=Role.choices,
        help_text="Viewers read, preparers lay papers out, signatories sign them, administrators let people in.",
    )


class RoleForm(forms.Form):
    """An administrator changes what a colleague may do."""

    role = forms.ChoiceField(
        label="Role", choices=Role.choices, help_text="It counts from their next click on."
    )
