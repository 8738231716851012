"""The first day of a simulated world: genesis, organisations, keys, models, sites and the published policies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from audits.policies import PUBLISHED
from chipledger import base64s
from chipledger.keys import PrivateKey
from chipledger.statements.audits import PolicyPublished
from chipledger.statements.common import KeyGrant, Owner, SignerRef
from chipledger.statements.ledger import FirstRegulator, KeyAdded, LedgerFounded
from chipledger.statements.registry import ModelPublished, NetworkLink, OrganisationAdmitted, SiteDeclared
from ledger.log_key import create_log_key, log_key
from registry.catalogue import CatalogueModel
from simulator.catalogue import OrganisationFact
from simulator.drive.desk import Desk
from simulator.drive.keys import machine_key, office_key
from simulator.plan.world import BEGAN_AT, Place, World

OWNED_SINCE: Final = "2020-01-01"
"""The catalogue knows shares, not since when; every share is older than the world."""

_RATES: Final = {
    "fp32": "fp32_gflops",
    "tf32": "tf32_gflops",
    "fp16": "fp16_gflops",
    "fp8": "fp8_gflops",
    "int8": "int8_gops",
    "fp4": "fp4_gflops",
}


def open_world(world: World, desk: Desk) -> None:
    """File everything that must stand before the first chip: about 400 statements."""
    regulators = _regulators(world)
    newcomers = world.newcomers
    _found(world, desk, regulators)
    others = [
        fact for fact in world.organisations if fact.kind != "regulator" and fact.handle not in newcomers
    ]
    for organisation in owners_first(others):
        _admit(world, desk, organisation, by=_regulator_of(organisation, regulators))
    places = [place for place in world.places if place.organisation not in newcomers]
    gateways = {place.organisation for place in places if not place.code.endswith("-stock")}
    for handle in sorted(gateways):
        _add_machine(world, desk, handle)
    for model in world.models:
        desk.file(ModelPublished, model_fields(model), by=model.maker)
    for place in places:
        desk.file(SiteDeclared, _site_fields(world, place), by=place.organisation)
    for number, policy in enumerate(PUBLISHED):
        regulator = regulators[number // 2 % len(regulators)].handle
        desk.file(PolicyPublished, policy.fields(effective_from=BEGAN_AT), by=regulator)


def welcome(world: World, desk: Desk, handle: str) -> None:
    """An organisation joins during the run: it is admitted, adds its gateways' key, and declares its sites."""
    (organisation,) = (fact for fact in world.organisations if fact.handle == handle)
    _admit(world, desk, organisation, by=_regulator_of(organisation, _regulators(world)))
    _add_machine(world, desk, handle)
    for place in world.places:
        if place.organisation == handle:
            desk.file(SiteDeclared, _site_fields(world, place), by=handle)


def owners_first(organisations: Iterable[OrganisationFact]) -> list[OrganisationFact]:
    """The same organisations, each after its owners."""
    left = {organisation.handle: organisation for organisation in organisations}
    ordered: list[OrganisationFact] = []
    while left:
        ready = [fact for fact in left.values() if not any(share.owner in left for share in fact.owners)]
        if not ready:
            raise ValueError(f"these organisations own each other in a circle: {sorted(left)}")
        ordered += ready
        for fact in ready:
            del left[fact.handle]
    return ordered


def model_fields(model: CatalogueModel) -> dict[str, object]:
    """What a maker publishes about a model of the catalogue."""
    rates = {name: getattr(model, column) for name, column in _RATES.items()}
    return {
        "code": model.code,
        "name": model.name,
        "gflops": {name: rate for name, rate in rates.items() if rate is not None},
        "tpp": model.tpp,
        "memory_mb": model.memory_mb,
        "memory_kind": model.memory_kind,
        "memory_bandwidth_gbs": model.memory_bandwidth_gbs,
        "tdp_w": model.tdp_w or 1,
    }


def _regulators(world: World) -> list[OrganisationFact]:
    return [fact for fact in world.organisations if fact.kind == "regulator"]


def _add_machine(world: World, desk: Desk, handle: str) -> None:
    key = machine_key(world.seed, handle)
    desk.file(KeyAdded, {"key": _grant(key, "machine")}, by=handle, also=[key])


def _found(world: World, desk: Desk, regulators: list[OrganisationFact]) -> None:
    create_log_key()
    keys = [office_key(world.seed, regulator.handle) for regulator in regulators]
    first = [
        FirstRegulator(
            handle=regulator.handle,
            name=regulator.name,
            countries=list(regulator.countries),
            keys=[_grant(key, "administrator")],
        )
        for regulator, key in zip(regulators, keys, strict=True)
    ]
    signers = [
        SignerRef(organisation=regulator.handle, key=key.public.key_id)
        for regulator, key in zip(regulators, keys, strict=True)
    ]
    log_spki = base64s.encode(log_key().public.spki)
    fields = {"log_key": log_spki, "regulators": first}
    desk.submit(desk.sign(LedgerFounded, fields, signers=signers, keys=keys))


def _admit(world: World, desk: Desk, organisation: OrganisationFact, *, by: str) -> None:
    owners = [
        Owner(organisation=share.owner, share_bp=share.basis_points, since=OWNED_SINCE)
        for share in organisation.owners
    ]
    fields = {
        "handle": organisation.handle,
        "name": organisation.name,
        "organisation_kind": organisation.kind,
        "countries": list(organisation.countries),
        "owners": owners,
        "keys": [_grant(office_key(world.seed, organisation.handle), "administrator")],
    }
    desk.file(OrganisationAdmitted, fields, by=by)


def _regulator_of(organisation: OrganisationFact, regulators: list[OrganisationFact]) -> str:
    """The first regulator with one of the organisation's countries, else the first."""
    for regulator in regulators:
        if set(regulator.countries) & set(organisation.countries):
            return regulator.handle
    return regulators[0].handle


def _grant(key: PrivateKey, role: str) -> KeyGrant:
    purpose = "machine" if role == "machine" else "statement"
    return KeyGrant.model_validate({"spki": key.public.base64, "purpose": purpose, "role": role})


def _site_fields(world: World, place: Place) -> dict[str, object]:
    linked = world.links.get(place.code)
    return {
        "code": place.code,
        "name": place.name,
        "country": place.country,
        "latitude_e7": place.latitude_e7,
        "longitude_e7": place.longitude_e7,
        "power_kw": place.power_kw,
        "slots": place.slots,
        "links": [] if linked is None else [NetworkLink(site=linked[0], mbit_s=linked[1])],
    }
