"""Forms of papers: what a person says before the server freezes it. Rules are asked afterwards, not here."""

from __future__ import annotations

from typing import cast

from django import forms

from audits.rules import RULE_OF
from chipledger.statements.tracking import StatementCorrected
from ledger.models import Key
from portal.signing import describe_key, keys_for, may_need_second, second_keys_for
from registry.access import Reader, visible
from registry.models import Site

CHOOSE = ("", "Choose")
"""First where a form may not choose for the person whose signature follows."""

RULE_CHOICES = [(code, rule.title) for code, rule in RULE_OF.items()]


def words_of(literal: object) -> list[tuple[str, str]]:
    """The values of a schema's literal as choices."""
    return [(value, value.replace("_", " ").capitalize()) for value in literal.__args__]  # type: ignore[attr-defined] # typing.Literal


class PaperForm(forms.Form):
    """A form whose answers become a statement; the reader says with which key it will be signed."""

    kind = ""

    def __init__(self, *args: object, reader: Reader, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type] # passed on as they came
        self.reader = reader
        self.keys = {key.key_id: key for key in keys_for(reader, self.kind)}
        seconds = second_keys_for(reader, self.kind)
        self.seconds = {key.key_id: key for key, _ in seconds}
        self.fields["key"] = forms.ChoiceField(
            label="Sign with",
            choices=[(key_id, describe_key(key)) for key_id, key in self.keys.items()],
            help_text="The paper names the key. A key kept offline signs with the chipledger command.",
        )

        if may_need_second(reader, self.kind):
            self.fields["second"] = forms.ChoiceField(
                label="Second signatory",
                required=False,
                choices=[("", "Nobody"), *((key.key_id, words) for key, words in seconds)],
                help_text="Your organisation's signing policy asks for two people above a size. "
                "The paper waits until the second has signed the same text.",
            )

    def chosen_key(self) -> Key:
        """The key that will sign."""
        return self.keys[self.cleaned_data["key"]]

    def chosen_keys(self) -> list[Key]:
        """The keys that will sign: the chosen one, and that of the second signatory where one was named."""
        second = self.cleaned_data.get("second")
        return [self.chosen_key(), *([self.seconds[second]] if second else [])]


def offer(form: forms.Form, name: str, choices: list[tuple[str, str]]) -> None:
    """Let a choice of a form be among these."""
    cast("forms.ChoiceField", form.fields[name]).choices = choices


def own_sites(reader: Reader) -> list[tuple[str, str]]:
    """The organisation's own sites."""
    found = visible(reader, Site).filter(organisation=reader.organisation).order_by("code")
    return [(site.code, f"{site.name} ({site.code})") for site in found]


MOST_TYPED = 2_000_000
"""Characters of a list of chips that a page takes; longer ones come in a file."""


class FoundForm(PaperForm):
    """Chips that somebody found, to be compared with those that are expected."""

    found = forms.CharField(
        label="Chips found",
        required=False,
        max_length=MOST_TYPED,
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false", "autofocus": True}),
        help_text="Scan or paste, one a line. Serials alone will do for chips that are expected.",
    )
    file = forms.FileField(
        label="Or a file of chips", required=False, help_text="CSV or JSON Lines, or plain lines."
    )


SIGNING_POLICY_FIELDS = ("refuses_synced", "second_above_chips", "second_above_tpp")


class SigningPolicyForm(PaperForm):
    """What the organisation's signatures need from now on."""

    kind = "signing_policy.adopted"
    refuses_synced = forms.BooleanField(
        label="Refuse synced passkeys",
        required=False,
        help_text="A synced passkey can be copied to a person's other devices by its provider. Refusing them leaves "
        "security keys, passkeys bound to one device, and offline keys.",
    )
    second_above_chips = forms.IntegerField(
        label="Two people above so many chips",
        required=False,
        min_value=0,
        max_value=10**9,
        help_text="Dispatches and receipts of more chips need a second signatory; 0 means all of them, empty none.",
    )
    second_above_tpp = forms.IntegerField(
        label="Two people above so much TPP",
        required=False,
        min_value=0,
        max_value=10**15,
        help_text="The same by total processing performance, summed over the chips; an H100 has 15,840.",
    )


class CorrectForm(PaperForm):
    """When what an earlier statement is about really happened."""

    kind = "statement.corrected"
    effective_at = forms.DateTimeField(
        label="It took effect at",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S"),
        help_text="In UTC. Between the movements of its chips before and after it.",
    )
    reason = forms.ChoiceField(
        label="Reason",
        choices=[CHOOSE, *words_of(StatementCorrected.model_fields["reason"].annotation)],
        help_text="Why the statement said another instant.",
    )


class RevokeForm(PaperForm):
    """Why a key ends."""

    kind = "key.revoked"
    reason = forms.ChoiceField(
        label="Reason",
        choices=[
            ("retired", "Retired"),
            ("lost", "Lost"),
            ("compromised", "Compromised"),
            ("person_left", "The person has left"),
        ],
        help_text="Lost and compromised keys flag what they signed; nothing signed before is undone.",
    )
