"""Which rows of this room a reader may see: registers are published, sites and papers belong to one organisation."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from registry.access import Reader, readable
from registry.models import (
    AdministrationEvent,
    ApiToken,
    Application,
    ChipModel,
    Invitation,
    Membership,
    Organisation,
    Person,
    Reading,
    Role,
    Site,
)


@readable(Organisation, logged=False)
def organisations_for(reader: Reader) -> QuerySet[Organisation]:
    """Everybody: who is admitted is a published register."""
    return Organisation.objects.all()


@readable(ChipModel, logged=False)
def models_for(reader: Reader) -> QuerySet[ChipModel]:
    """Everybody: published chip models are a published register."""
    return ChipModel.objects.all()


@readable(Site)
def sites_for(reader: Reader) -> QuerySet[Site]:
    """The operator's own; a regulator's, those in its countries."""
    if reader.is_regulator:
        return Site.objects.filter(country__in=reader.countries)
    return Site.objects.filter(organisation=reader.organisation)


def opens_site(reader: Reader, site: Site) -> bool:
    """The same asked of one site that is known already: whether its page is there for this reader."""
    return (
        site.country in reader.countries
        if reader.is_regulator
        else site.organisation_id == reader.organisation.pk
    )


@readable(Application)
def applications_for(reader: Reader) -> QuerySet[Application]:
    """Those that touch a regulator's countries."""
    if reader.is_regulator:
        return Application.objects.filter(countries__overlap=list(reader.countries))
    return Application.objects.none()


@readable(ApiToken, logged=False)
def tokens_for(reader: Reader) -> QuerySet[ApiToken]:
    """An administrator's own organisation's."""
    if reader.role != Role.ADMINISTRATOR:
        return ApiToken.objects.none()
    return ApiToken.objects.filter(organisation=reader.organisation)


@readable(Membership, logged=False)
def memberships_for(reader: Reader) -> QuerySet[Membership]:
    """Colleagues."""
    return Membership.objects.filter(organisation=reader.organisation)


@readable(Invitation, logged=False)
def invitations_for(reader: Reader) -> QuerySet[Invitation]:
    """An administrator's own organisation's."""
    if reader.role != Role.ADMINISTRATOR:
        return Invitation.objects.none()
    return Invitation.objects.filter(organisation=reader.organisation)


@readable(Reading, logged=False)
def readings_for(reader: Reader) -> QuerySet[Reading]:
    """What was read on behalf of an administrator's own organisation."""
    if reader.role != Role.ADMINISTRATOR:
        return Reading.objects.none()
    return Reading.objects.filter(organisation=reader.organisation)


@readable(Person)
def persons_for(reader: Reader) -> QuerySet[Person]:
    """Who is or was a colleague; for a regulator also those of the organisations in its countries."""
    rule = Q(organisation=reader.organisation)
    if reader.is_regulator:
        rule |= Q(organisation__countries__overlap=list(reader.countries))
    return Person.objects.filter(Exists(Membership.objects.filter(rule, person=OuterRef("pk"))))


@readable(AdministrationEvent, logged=False)
def administration_for(reader: Reader) -> QuerySet[AdministrationEvent]:
    """An administrator's own organisation's."""
    if reader.role != Role.ADMINISTRATOR:
        return AdministrationEvent.objects.none()
    return AdministrationEvent.objects.filter(organisation=reader.organisation)
