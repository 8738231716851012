"""Which notices a reader may see: their organisation's, as long as they may see what each is about."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from audits.models import Finding
from jobs.models import Job
from notices.models import Notice
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
    )
    for name, model in rooms:
        seen = Exists(visible(reader, model).filter(pk=OuterRef(f"{name}_id")))
        rule &= Q(**{f"{name}__isnull": True}) | Q(seen)
    found = Notice.objects.filter(rule)
    return found.exclude(draft__prepared_by=reader.person) if reader.person else found
