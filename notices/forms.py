"""What administrators fill in about webhooks, and by what their deliveries are filtered."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.db.models import QuerySet

from notices.models import Delivery, DeliveryState, Kind, Webhook
from notices.rules import ASK_FOR_AN_ACT
from portal.forms.filters import ANY, Filter


class WebhookForm(forms.Form):
    """Where an organisation's receiver is, and what it wants to be told of."""

    label = forms.CharField(
        label="Name", max_length=80, help_text="So that a colleague knows which receiver it is."
    )
    url = forms.CharField(
        label="URL",
        max_length=500,
        widget=forms.URLInput(attrs={"placeholder": "https://", "spellcheck": "false"}),
        help_text="Begins with https:// and is reachable from the public internet. Redirects are not followed.",
    )
    kinds = forms.MultipleChoiceField(
        label="Kinds of notices",
        choices=Kind.choices,
        initial=[kind.value for kind in ASK_FOR_AN_ACT],
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
        help_text="It is told of these. To begin with, those that somebody has to do something about.",
    )


class DeliveryFilter(Filter):
    """Deliveries by their webhook, and by how they went."""

    webhook = forms.ChoiceField(required=False, help_text="Where it goes.")
    state = forms.ChoiceField(
        required=False,
        choices=[*ANY, *DeliveryState.choices],
        help_text="Waiting for an attempt, delivered, given up, or not sent.",
    )

    def __init__(self, *args: Any, webhooks: Iterable[Webhook], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        webhook = self.fields["webhook"]
        if isinstance(webhook, forms.ChoiceField):
            webhook.choices = [*ANY, *((str(each.pk), each.label) for each in webhooks)]

    def narrow(self, rows: QuerySet[Delivery]) -> QuerySet[Delivery]:
        """Those that are asked for."""
        said = self.answers()
        if said["webhook"]:
            rows = rows.filter(webhook=said["webhook"])
        return rows.filter(state=said["state"]) if said["state"] else rows
