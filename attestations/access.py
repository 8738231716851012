"""Who may read the silicon (design §7): everybody what their sites saw; a regulator also all of a chip that the book
has within its countries now. Of one that has left them it keeps what was seen there."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from attestations.models import Conflict, Outage, Presence, Sighting
from registry.access import Reader, readable, within_reach


@readable(Sighting)
def readable_sightings(reader: Reader) -> QuerySet[Sighting]:
    """Latest sightings; a maker or former holder does not learn from them where a chip is now."""
    if reader.is_regulator:
        return Sighting.objects.filter(_touching(reader))
    return Sighting.objects.filter(site__organisation=reader.organisation)


@readable(Presence)
def readable_presence(reader: Reader) -> QuerySet[Presence]:
    """Closed stays at sites."""
    if reader.is_regulator:
        return Presence.objects.filter(_touching(reader))
    return Presence.objects.filter(site__organisation=reader.organisation)


@readable(Conflict)
def readable_conflicts(reader: Reader) -> QuerySet[Conflict]:
    """Contradictions name two sites, perhaps of two parties: only a regulator sees them."""
    if reader.is_regulator:
        return Conflict.objects.filter(_touching(reader) | Q(other_site__country__in=reader.countries))
    return Conflict.objects.none()


@readable(Outage)
def readable_outages(reader: Reader) -> QuerySet[Outage]:
    """Declared outages: those of one's own sites, and to a regulator those in its countries."""
    if reader.is_regulator:
        return Outage.objects.filter(site__country__in=reader.countries)
    return Outage.objects.filter(organisation=reader.organisation)


def _touching(reader: Reader) -> Q:
    return Q(site__country__in=reader.countries) | Q(
        Exists(within_reach(reader).filter(chip_id=OuterRef("chip_id")))
    )
