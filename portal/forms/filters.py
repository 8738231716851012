"""Filters of lists: their answers live in the address, and narrow the same rows for the page and for its export."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar

from django import forms
from django.db.models import Model, Q, QuerySet

from audits.models import Cluster, Finding, Policy
from audits.queries import Dated, FindingFilter, near_a_line
from audits.rules import RULE_OF
from chipledger import clock
from chipledger.refusals import Refused
from ledger.models import SignerKind
from registry.models import Organisation, Site
from tracking.models import (
    OPEN_TRANSFERS,
    Transfer,
    TransferState,
)
from web.components import Severity

M = TypeVar("M", bound=Model)
ANY = [("", "Any")]


class Filter(forms.Form):
    """A GET form; an answer that is no choice is refused rather than ignored."""

    def answers(self) -> dict[str, Any]:
        """What was asked for; nothing, when the form was not sent."""
        if not self.is_valid():
            field, errors = next(iter(self.errors.items()))
            raise Refused("bad_filter", str(errors[0]), field=field, value=self.data.get(field), status=400)
        return self.cleaned_data


def word(hint: str, help_text: str) -> forms.CharField:
    """A name as it is written in statements; the hint says which."""
    return forms.CharField(
        required=False,
        max_length=63,
        help_text=help_text,
        widget=forms.TextInput(attrs={"placeholder": hint, "spellcheck": "false"}),
    )


def _day(help_text: str) -> forms.DateField:
    return forms.DateField(
        required=False, help_text=help_text, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )


class Period(Filter):
    """What happened between two days, the second not among them."""

    since = _day("The first day, from 00:00 UTC.")
    until = _day("Up to this day, without it.")

    def within(self, rows: QuerySet[Any, M], instant: str) -> QuerySet[Any, M]:
        """The rows whose instant, by the name of its field, lies in the period."""
        said = self.answers()
        ends = {"gte": _midnight(said["since"]), "lt": _midnight(said["until"])}
        return rows.filter(**{f"{instant}__{end}": at for end, at in ends.items() if at is not None})


class TransferFilter(Filter):
    """Transfers by side, party, state and lateness."""

    party = word("handle", "The sender or the consignee.")
    sender = word("handle", "The sender, by its handle.")
    consignee = word("handle", "The consignee, by its handle.")
    side = forms.ChoiceField(
        required=False,
        choices=[*ANY, ("in", "Incoming"), ("out", "Outgoing")],
        help_text="Seen from your organisation.",
    )
    state = forms.ChoiceField(
        required=False,
        choices=[
            *ANY,
            ("open", "Under way"),
            ("overdue", "Overdue"),
            ("due", "Receipt due within 7 days"),
            *TransferState.choices,
        ],
        help_text="Overdue: under way, and the receipt is late.",
    )

    def narrow(self, transfers: QuerySet[Transfer], *, own: int, at: datetime) -> QuerySet[Transfer]:
        said = self.answers()
        if said["party"]:
            handle = said["party"]
            transfers = transfers.filter(
                Q(sender__signer__handle=handle) | Q(consignee__signer__handle=handle)
            )
        for role in ("sender", "consignee"):
            if said[role]:
                transfers = transfers.filter(**{f"{role}__signer__handle": said[role]})
        if said["side"]:
            transfers = transfers.filter(**{"consignee" if said["side"] == "in" else "sender": own})
        match said["state"]:
            case "":
                return transfers
            case "open":
                return transfers.filter(state__in=OPEN_TRANSFERS)
            case "overdue":
                return transfers.filter(state__in=OPEN_TRANSFERS, due_at__lt=at)
            case "due":
                return transfers.filter(
                    state__in=OPEN_TRANSFERS, due_at__gte=at, due_at__lt=at + timedelta(days=7)
                )
            case state:
                return transfers.filter(state=state)


class FindingForm(Period):
    """Findings by rule, severity, state, organisation, site and one of their dates."""

    field_order = ("rule", "severity", "state", "organisation", "site", "dated", "since", "until")

    rule = forms.ChoiceField(
        required=False,
        choices=[*ANY, *((code, rule.title) for code, rule in RULE_OF.items())],
        help_text="What kind of disagreement was found.",
    )
    severity = forms.ChoiceField(
        required=False,
        choices=[
            *ANY,
            *((str(int(step)), f"{step.name.capitalize()} at least") for step in reversed(Severity)),
            *((f"only-{int(step)}", f"{step.name.capitalize()} alone") for step in reversed(Severity)),
        ],
        help_text="This step and graver ones, or one step alone.",
    )
    state = forms.ChoiceField(
        required=False,
        choices=[*ANY, ("unresolved", "Unresolved"), *Finding.State.choices],
        help_text="Unresolved: open or explained, and not closed.",
    )
    organisation = word("handle", "The organisation that must explain, by its handle.")
    site = word("code", "The site, by its code.")
    dated = forms.ChoiceField(
        required=False,
        label="Period",
        choices=[
            ("", "Open then"),
            (Dated.OPENED.value, "Opened"),
            (Dated.WORSENED.value, "Became graver"),
            (Dated.DUE.value, "Explanation due"),
        ],
        help_text="What happened between the two days.",
    )

    def wanted(self) -> FindingFilter:
        """The filter that lists and reports share."""
        said = self.answers()
        least, _, step = said["severity"].partition("only-")
        return FindingFilter(
            rule=said["rule"] or None,
            severity=int(least) if least else None,
            step=int(step) if step else None,
            state=said["state"] or None,
            organisation=said["organisation"] or None,
            site=said["site"] or None,
            country=(said.get("country") or "").upper() or None,
            model=said.get("model") or None,
            dated=Dated(said["dated"]) if said["dated"] else None,
            since=_midnight(said["since"]),
            until=_midnight(said["until"]),
        )


class ReportForm(FindingForm):
    """The same, in a country and of a chip model."""

    country = forms.CharField(required=False, max_length=2, help_text="The site's, two letters, such as DE.")
    model = word("code", "The model of the chip it is about, by its code.")


class SinceForm(Filter):
    """The day from which Monday's list looks."""

    since = _day("From 00:00 UTC; left empty, the Monday before today.")

    def clean_since(self) -> date | None:
        day: date | None = self.cleaned_data["since"]
        if day is not None and day > clock.now().astimezone(UTC).date():
            raise forms.ValidationError("This day is still to come; choose today or an earlier one.")
        return day


class SiteFilter(Filter):
    """Sites by country and operator."""

    country = forms.CharField(required=False, max_length=2, help_text="Two letters, such as DE.")
    organisation = word("handle", "The organisation, by its handle.")

    def narrow(self, sites: QuerySet[Site]) -> QuerySet[Site]:
        said = self.answers()
        if said["country"]:
            sites = sites.filter(country=said["country"].upper())
        return (
            sites.filter(organisation__signer__handle=said["organisation"]) if said["organisation"] else sites
        )


class ClusterFilter(Filter):
    """Clusters by policy and standing."""

    policy = word("code", "The code of a policy that draws a line.")
    organisation = word("handle", "The operator of the site, or the owner, by its handle.")
    line = forms.ChoiceField(
        required=False,
        choices=[
            *ANY,
            ("above", "Above the line"),
            ("near", "Near: 80 % and more, not above"),
            ("below", "Below the line"),
        ],
        help_text="On which side of the policy's line the cluster stands.",
    )

    def narrow(self, clusters: QuerySet[Cluster]) -> QuerySet[Cluster]:
        said = self.answers()
        if said["policy"]:
            clusters = clusters.filter(policy__in=Policy.objects.filter(code=said["policy"]))
        if said["organisation"]:
            clusters = clusters.filter(organisation__signer__handle=said["organisation"])
        if said["line"] == "near":
            return near_a_line(clusters)
        return clusters.filter(is_above=said["line"] == "above") if said["line"] else clusters


class OrganisationFilter(Filter):
    """Organisations by kind and country."""

    kind = forms.ChoiceField(
        required=False,
        choices=[*ANY, *SignerKind.choices],
        help_text="What the organisation was admitted as.",
    )
    country = forms.CharField(required=False, max_length=2, help_text="Two letters, such as DE.")

    def narrow(self, organisations: QuerySet[Organisation]) -> QuerySet[Organisation]:
        said = self.answers()
        if said["kind"]:
            organisations = organisations.filter(signer__kind=said["kind"])
        return (
            organisations.filter(countries__contains=[said["country"].upper()])
            if said["country"]
            else organisations
        )


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), tzinfo=UTC)
