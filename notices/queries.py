"""Reading notices: what is new, what has been read, and in which words each is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse

from audits.rules import RULE_OF
from notices.models import Kind, Notice, Preference, ReadMark, Webhook, WebhookEvent
from notices.rules import first_by_mail
from portal.queries.people import named, names_of
from registry.access import Reader, reader_for, visible
from registry.models import Membership, Organisation, Role

MOST_COUNTED: Final = 99
MOST_HISTORY: Final = 20

NAMES = (
    "transfer__sender", "transfer__consignee", "finding__organisation", "draft", "job", "token", "membership__person",
    "statement__entry", "webhook_event__webhook",
)  # fmt: skip


def preference_of(reader: Reader) -> Preference:
    """What the person wants of this organisation's notices; the ordinary when they never said."""
    found = Preference.objects.filter(person=reader.person, organisation=reader.organisation).first()
    return found or Preference(person=reader.person, organisation=reader.organisation)


def organisation_told(reader: Reader, number: int) -> Organisation | None:
    """The other organisation of this person that a notice belongs to, when they may see it acting for that one."""
    member = (
        Membership.objects.filter(person=reader.person, until__isnull=True, organisation__notices=number)
        .select_related("organisation__signer")
        .first()
    )
    if member is None:
        return None
    there = reader_for(member.organisation, role=Role(member.role), person=reader.person)
    return member.organisation if visible(there, Notice).filter(pk=number).exists() else None


def mailed_to(reader: Reader, preference: Preference) -> list[str]:
    """The kinds that come to the person by mail: as they chose, or as it is at first in their role."""
    return first_by_mail(reader.role) if preference.by_mail is None else preference.by_mail


def history_of(reader: Reader, webhook: Webhook) -> list[tuple[WebhookEvent, str]]:
    """The last that was done to a webhook, newest first, each with who did it as far as colleagues know them."""
    found = visible(reader, WebhookEvent).filter(webhook=webhook)
    events = list(found.order_by("-pk")[:MOST_HISTORY])
    known = names_of(reader, {each.by for each in events if each.by})
    return [(each, named(each.by, known) or "the house") for each in events]


def with_read(
    notices: QuerySet[Notice], preference: Preference, *, unread_only: bool = False
) -> QuerySet[Notice]:
    """Notices with ``is_read``, of the person whose preference this is; or only the unread."""
    marked = Exists(ReadMark.objects.filter(person=preference.person_id, notice=OuterRef("pk")))
    is_read = Q(marked) | Q(pk__lte=preference.read_up_to)
    found = notices.annotate(is_read=is_read)
    return found.filter(~is_read) if unread_only else found


def unread(reader: Reader) -> int:
    """How many notices the person has not read, of the kinds that are not silent; never more than one above 99."""
    preference = preference_of(reader)
    # A number of one's own notices tells no row of others: that an authority's page asked for it is not noted.
    found = with_read(visible(replace(reader, asked=set()), Notice), preference, unread_only=True)
    found = found.exclude(kind__in=preference.silent).order_by("-pk")
    return len(found.values_list("pk", flat=True)[: MOST_COUNTED + 1])


def sentence_of(notice: Notice) -> str:
    """The notice in one sentence, made of names that whoever sees its object may read; no free text of others."""
    kind = Kind(notice.kind)
    if notice.transfer is not None:
        transfer = notice.transfer
        parties = f"{transfer.sender} to {transfer.consignee}"
        told = {
            Kind.TRANSFER_DISPATCHED: f"{transfer.quantity:,} chips are on their way: {parties}.",
            Kind.TRANSFER_ANSWERED: f"The other side answered: {parties}, {transfer.get_state_display().lower()}.",
            Kind.TRANSFER_OVERDUE: f"Overdue with {transfer.outstanding:,} chips outstanding: {parties}.",
        }
        return told[kind]
    if notice.finding is not None:
        cited = (
            f"{RULE_OF[notice.finding.rule].title}, severity {notice.severity}, {notice.finding.organisation}"
        )
        return f"{kind.label}: {cited}. {_next_step(notice)}".strip()
    if notice.job is not None:
        return f"A job has ended: {notice.job.get_state_display().lower()}."
    if notice.draft is not None:
        return f"A paper waits for a signature: {notice.draft.kind}."
    if notice.token is not None:
        return f"The API token “{notice.token.label}” was {'ended' if notice.fact.startswith('token-end') else 'made'}."
    if notice.membership is not None:
        person = notice.membership.person
        left = notice.fact.startswith("member-end")
        return f"{person} {'left' if left else f'joined as {notice.membership.get_role_display().lower()}'}."
    if notice.webhook_event is not None:
        return f"The webhook “{notice.webhook_event.webhook}” {notice.webhook_event.get_deed_display()}."
    return f"{kind.label}: {notice.statement.kind}." if notice.statement is not None else kind.label


def _next_step(notice: Notice) -> str:
    if notice.finding is None or notice.kind not in (
        Kind.FINDING_OPENED,
        Kind.FINDING_WORSENED,
        Kind.FINDING_DUE,
    ):
        return ""
    return RULE_OF[notice.finding.rule].next_step


def address_of(notice: Notice) -> str:
    """The page of what the notice is about."""
    if notice.transfer is not None:
        return reverse("transfer", args=[bytes(notice.transfer.digest).hex()])
    if notice.finding is not None:
        return reverse("finding", args=[notice.finding.uid])
    if notice.job is not None:
        return reverse("job", args=[notice.job.pk])
    if notice.draft is not None:
        return (
            reverse("draft", args=[notice.draft.pk]) if notice.draft.filed_at is None else reverse("drafts")
        )
    if notice.token is not None:
        return reverse("tokens")
    if notice.membership is not None:
        return reverse("people")
    if notice.webhook_event is not None:
        webhook = notice.webhook_event.webhook
        return reverse("webhook", args=[webhook.pk]) if webhook.deleted_at is None else reverse("webhooks")
    return reverse("keys")
