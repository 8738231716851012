"""The people of the demo: one of a maker, one of an operator, one of a regulator, with passwords made for this run."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from registry.actions.people import enrol_person
from registry.models import Organisation, Role
from simulator.plan.world import World


@dataclass(frozen=True)
class SignIn:
    """How somebody signs in to the demo."""

    role: str
    organisation: str
    email: str
    password: str


def who_is_shown(world: World) -> dict[str, str]:
    """For whom the demo's people sign, by role: the maker of most models, the operator of most sites, a regulator."""
    makers = [model.maker for model in world.models]
    operators = [place.organisation for place in world.places if place.real]
    regulator = next(fact.handle for fact in world.organisations if fact.kind == "regulator")
    return {
        "maker": max(sorted(set(makers)), key=makers.count),
        "operator": max(sorted(set(operators)), key=operators.count),
        "regulator": regulator,
    }


def make_sign_ins(world: World, *, at: datetime) -> list[SignIn]:
    """Three people, each of whom may sign for the organisation of their role."""
    chosen = who_is_shown(world)
    return [_enrol(role, handle, at=at) for role, handle in chosen.items()]


def _enrol(role: str, handle: str, *, at: datetime) -> SignIn:
    email, password = f"{role}@demo.example", secrets.token_urlsafe(12)
    enrol_person(
        Organisation.objects.get(signer__handle=handle),
        email=email,
        name=f"Demo {role}",
        password=password,
        role=Role.ADMINISTRATOR,
        at=at,
    )
    return SignIn(role, handle, email, password)
