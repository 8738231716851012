"""Which notices a reader may see: their organisation's, as long as they may see what each is about; so are webhooks."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from audits.models import Finding
from jobs.models import Job
from notices.models import Delivery, Notice, Webhook, WebhookEvent
from portal.models import Draft
from registry.access import Reader, readable, visible
from registry.models import ApiToken
from tracking.models import Transfer


@readable(Notice, logged=False)
def notices_of(reader: Reader) -> QuerySet[Notice]:
    """The organisation's own, but for objects that have gone out of its sight; nobody is told of their own draft."""
    rule = Q(organisation=reader.organisation)
    rooms = (
        ("transfer", Transfer),
        ("finding", Finding),
        ("draft", Draft),
        ("job", Job),
        ("token", ApiToken),
        ("webhook_event", WebhookEvent),
    )
    for name, model in rooms:
        seen = Exists(visible(reader, model).filter(pk=OuterRef(f"{name}_id")))
        rule &= Q(**{f"{name}__isnull": True}) | Q(seen)
    found = Notice.objects.filter(rule)
    return found.exclude(draft__prepared_by=reader.person) if reader.person else found


@readable(Webhook, logged=False)
def webhooks_of(reader: Reader) -> QuerySet[Webhook]:
    """Colleagues: what leaves the house should be known in it. Pages show its whole URL to administrators only."""
    return Webhook.objects.filter(organisation=reader.organisation)


@readable(WebhookEvent, logged=False)
def webhook_events_of(reader: Reader) -> QuerySet[WebhookEvent]:
    """Colleagues."""
    return WebhookEvent.objects.filter(webhook__organisation=reader.organisation)


@readable(Delivery, logged=False)
def deliveries_of(reader: Reader) -> QuerySet[Delivery]:
    """Colleagues; those of a test or of a notice that this reader may see, too."""
    theirs = Delivery.objects.filter(webhook__organisation=reader.organisation)
    told = Exists(visible(reader, Notice).filter(pk=OuterRef("notice_id")))
    return theirs.filter(Q(notice__isnull=True) | Q(told))
