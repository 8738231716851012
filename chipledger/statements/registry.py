"""Statements about what exists: organisations, chip models, sites, chips."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from chipledger.statements.common import (
    Code,
    Country,
    Handle,
    KeyGrant,
    Label,
    ManifestRef,
    ModelCode,
    Owner,
    Part,
    SiteCode,
    Statement,
)

OrganisationKind = Literal[
    "manufacturer",
    "integrator",
    "distributor",
    "carrier",
    "operator",
    "regulator",
    "inspectorate",
    "landmark_operator",
]
Owners = Annotated[list[Owner], Field(max_length=64)]
Countries = Annotated[list[Country], Field(min_length=1, max_length=250)]


class OrganisationAdmitted(Statement):
    """A regulator lets an organisation in, with the first keys of its administrators."""

    kind: Literal["organisation.admitted"] = "organisation.admitted"
    v: Literal[1] = 1
    handle: Handle
    name: Label
    organisation_kind: OrganisationKind
    countries: Countries
    owners: Owners = []
    keys: Annotated[list[KeyGrant], Field(min_length=1, max_length=8)]


class OrganisationAmended(Statement):
    """A regulator records that an organisation's name, countries or owners changed."""

    kind: Literal["organisation.amended"] = "organisation.amended"
    v: Literal[1] = 1
    handle: Handle
    name: Label
    countries: Countries
    owners: Owners


class OrganisationSuspended(Statement):
    """A regulator stops an organisation from signing; it still answers for its chips."""

    kind: Literal["organisation.suspended"] = "organisation.suspended"
    v: Literal[1] = 1
    handle: Handle
    reason: Code


class ModelPublished(Statement):
    """A maker publishes a chip model; figures are dense, in 1e9 operations a second, and exclude sparsity."""

    kind: Literal["model.published"] = "model.published"
    v: Literal[1] = 1
    code: ModelCode
    name: Label
    gflops: dict[
        Literal["fp32", "tf32", "fp16", "fp8", "int8", "fp4"], Annotated[int, Field(ge=1, le=10**10)]
    ]
    tpp: Annotated[int, Field(ge=1, le=10**8)]
    memory_mb: Annotated[int, Field(ge=0, le=10**8)]
    memory_kind: Annotated[str, Field(pattern=r"^[A-Za-z0-9 -]{1,20}$")]
    memory_bandwidth_gbs: Annotated[int, Field(ge=0, le=10**7)]
    tdp_w: Annotated[int, Field(ge=1, le=10**6)]


class NetworkLink(Part):
    """A link from this site to another one of any holder, with its aggregate bandwidth."""

    site: SiteCode
    mbit_s: Annotated[int, Field(ge=1, le=10**10)]


class SiteFacts(Statement):
    """Where a site is and what it can carry. Coordinates are WGS 84 in units of 1e-7 degree."""

    code: SiteCode
    name: Label
    country: Country
    latitude_e7: Annotated[int, Field(ge=-900_000_000, le=900_000_000)]
    longitude_e7: Annotated[int, Field(ge=-1_800_000_000, le=1_800_000_000)]
    power_kw: Annotated[int, Field(ge=0, le=10**8)]
    slots: Annotated[int, Field(ge=0, le=10**8)]
    links: Annotated[list[NetworkLink], Field(max_length=256)] = []


class SiteDeclared(SiteFacts):
    """An organisation declares a site that it operates."""

    kind: Literal["site.declared"] = "site.declared"
    v: Literal[1] = 1


class SiteAmended(SiteFacts):
    """The operator of a site records that it changed; `previous` names the statement that it replaces."""

    kind: Literal["site.amended"] = "site.amended"
    v: Literal[1] = 1


class ChipsCommissioned(Statement):
    """A maker brings new chips into the book, at one of its sites, by a manifest of model, serial and device key."""

    kind: Literal["chips.commissioned"] = "chips.commissioned"
    v: Literal[1] = 1
    site: SiteCode
    manifest: ManifestRef
