"""Who may read what, enforced in one place: every page, API, export and count reads through ``visible``.

Each room says once, for each of its models, which rows a reader may see. A stranger's row does not exist for them.
What an authority asked for is remembered on its reader, and kept by the middleware (``registry.middleware``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest

from chipledger.refusals import Refused
from registry.models import Membership, Organisation, Person, Role

M = TypeVar("M", bound=Model)
READER = "registry.reader"
"""Where a request carries its reader once somebody has asked for it."""
RANK = {Role.VIEWER: 0, Role.PREPARER: 1, Role.SIGNATORY: 2, Role.ADMINISTRATOR: 3}


@dataclass(frozen=True)
class Reader:
    """Somebody, or a program, that reads on behalf of an organisation in a role."""

    organisation: Organisation
    handle: str
    kind: str
    countries: tuple[str, ...]
    role: Role
    person: Person | None = None
    scopes: frozenset[str] = frozenset({"read", "write"})
    asked: set[str] = field(default_factory=set, compare=False, repr=False)
    """Kinds of rows, others' among them, that were read on this reader's behalf."""

    @property
    def is_regulator(self) -> bool:
        return self.kind == "regulator"

    @property
    def pseudonym(self) -> str:
        """How payloads and logs know the person; empty for a program."""
        return self.person.pseudonym if self.person is not None else ""


_VISIBLE: dict[type[Model], Callable[[Reader], QuerySet[Any]]] = {}
_NOT_LOGGED: set[type[Model]] = set()


def readable(
    model: type[M], *, logged: bool = True
) -> Callable[[Callable[[Reader], QuerySet[M]]], Callable[[Reader], QuerySet[M]]]:
    """Register the function that says which rows of a model a reader may see.

    ``logged`` is off for published registers and for what is always the reader's own.
    """

    def register(function: Callable[[Reader], QuerySet[M]]) -> Callable[[Reader], QuerySet[M]]:
        _VISIBLE[model] = function
        if not logged:
            _NOT_LOGGED.add(model)
        return function

    return register


def visible(reader: Reader, model: type[M]) -> QuerySet[M]:
    """The rows of a model that this reader may see."""
    if model not in _NOT_LOGGED:
        reader.asked.add(model._meta.object_name or model.__name__)
    return _VISIBLE[model](reader)


_WITHIN_REACH: list[Callable[[Reader], QuerySet[Any]]] = []


def says_who_is_within_reach(
    function: Callable[[Reader], QuerySet[Any]],
) -> Callable[[Reader], QuerySet[Any]]:
    """Register the function of the book whose rows say, by ``chip_id``, which chips a reader may place now."""
    _WITHIN_REACH[:] = [function]
    return function


def within_reach(reader: Reader) -> QuerySet[Any]:
    """Rows whose ``chip_id`` is of a chip of which this reader may know where it is now, whoever has proved it.

    The silicon asks here what only the book can answer, without either knowing the other.
    """
    return _WITHIN_REACH[0](reader)


def get_visible(reader: Reader, model: type[M], **lookup: Any) -> M:
    """One row by its natural key, or 404 whether it does not exist or belongs to a stranger."""
    try:
        return visible(reader, model).get(**lookup)
    except model.DoesNotExist:  # type: ignore[attr-defined] # every model class has it
        raise Http404 from None


def reader_of(request: HttpRequest) -> Reader:
    """For whom this request reads: the token's organisation, or the one the person has chosen. Asked once."""
    for found in (request.META.get(READER), getattr(request, "auth", None)):
        if isinstance(found, Reader):
            request.META[READER] = found
            return found
    reader = _member_behind(request)
    request.META[READER] = reader
    return reader


def _member_behind(request: HttpRequest) -> Reader:
    person = request.user
    if not isinstance(person, Person):
        raise Http404
    memberships = list(
        Membership.objects.select_related("organisation__signer")
        .filter(person=person, until__isnull=True)
        .order_by("since", "id")
    )
    chosen = request.session.get("organisation")
    membership = next(
        (each for each in memberships if each.organisation_id == chosen), next(iter(memberships), None)
    )
    if membership is None:
        raise Refused(
            "no_organisation", "You are not a member of any organisation; ask its administrator.", status=403
        )
    return reader_for(membership.organisation, role=Role(membership.role), person=person)


def reader_for(
    organisation: Organisation,
    *,
    role: Role,
    person: Person | None = None,
    scopes: frozenset[str] = frozenset({"read", "write"}),
) -> Reader:
    """A reader on behalf of this organisation."""
    signer = organisation.signer
    return Reader(
        organisation, signer.handle, signer.kind, tuple(organisation.countries), role, person, scopes
    )


def person_of(reader: Reader) -> Person:
    """The person behind a reader, where only a person may act; a program is refused."""
    if reader.person is None:
        raise Refused("no_person", "Only a person can do this; sign in as one.", status=403)
    return reader.person


def check_role(reader: Reader, least: Role) -> None:
    """Refuse a colleague whose role is not enough, with the reason that the disabled button shows."""
    if RANK[reader.role] < RANK[least]:
        raise Refused(
            "role_too_low",
            f"This needs the role {least.label.lower()}; yours is {reader.role.label.lower()}. Ask an administrator.",
            status=403,
        )
