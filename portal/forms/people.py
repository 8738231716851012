"""What administrators fill in about people."""

from __future__ import annotations

import re
from collections.abc import Mapping

from django import forms
from django.db.models import Q, QuerySet

from ledger.models import Key
from portal.forms.filters import ANY, Period
from portal.forms.papers import PaperForm
from portal.queries.people import named
from portal.signing import describe_key
from registry.access import Reader
from registry.models import AdministrationEvent, Deed, Person

PSEUDONYM = re.compile("[0-9a-f]{32}")


class AdministrationFilter(Period):
    """What was done about people, by whom or about whom, by what it was, and by when.

    People are asked for by their pseudonyms, so that no saved view keeps a name; ``names`` are those to choose from.
    """

    field_order = ("person", "deed", "since", "until")

    person = forms.ChoiceField(required=False, help_text="Whom it was about, or who did it.")
    deed = forms.ChoiceField(
        required=False, label="What", choices=[*ANY, *Deed.choices], help_text="What was done."
    )

    def __init__(self, asked: Mapping[str, str], *, names: Mapping[str, str]) -> None:
        super().__init__(asked)
        known = dict(names)
        person = asked.get("person", "")
        if PSEUDONYM.fullmatch(person):
            known.setdefault(person, named(person, known))
        field = self.fields["person"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [*ANY, *sorted(known.items(), key=lambda pair: pair[1].casefold())]

    def narrow(self, events: QuerySet[AdministrationEvent]) -> QuerySet[AdministrationEvent]:
        said = self.answers()
        if said["person"]:
            events = events.filter(Q(person=said["person"]) | Q(by=said["person"]))
        if said["deed"]:
            events = events.filter(deed=said["deed"])
        return self.within(events, "at")


class LeaveForm(PaperForm):
    """Which key signs the papers that end a leaver's keys; none is needed where they have none."""

    kind = "key.revoked"

    def __init__(self, *args: object, reader: Reader, leaver: Person, **kwargs: object) -> None:
        super().__init__(*args, reader=reader, **kwargs)
        key = self.fields["key"]
        others = {key_id: each for key_id, each in self.keys.items() if each.person != leaver.pseudonym}
        if isinstance(key, forms.ChoiceField):
            key.choices = [(key_id, describe_key(each)) for key_id, each in others.items()]
        key.label = "Sign the end of their keys with"
        key.required = False
        key.help_text = (
            "A paper for each of their keys is laid out for it. Until you sign, the door accepts the keys."
        )

    def key(self) -> Key | None:
        """The key that will sign, if one was chosen."""
        return self.keys.get(self.cleaned_data["key"])


class HoldForm(forms.Form):
    """Why somebody's records must stay."""

    reason = forms.CharField(
        label="Reason",
        max_length=500,
        help_text="The case or the law that needs the records. Administrators who may see the person read it.",
    )


class FindForm(forms.Form):
    """Whose records are looked for."""

    who = forms.CharField(
        label="E-mail address or pseudonym",
        max_length=254,
        help_text="The pseudonym has 32 digits and stands in statements. A regulator finds others' people by it alone.",
    )
