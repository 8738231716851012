"""Organisations and their people, chip models, sites and chips: what exists, whoever holds it."""

from __future__ import annotations

import secrets
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, Q

from ledger.append_only import append_only
from ledger.models import Signer, SignerKind, Statement


class Organisation(models.Model):
    """A party of the registry. It shares its number with its signer, which knows its handle, kind and standing."""

    signer = models.OneToOneField(
        Signer, on_delete=models.PROTECT, primary_key=True, related_name="organisation"
    )
    name = models.CharField(max_length=200)
    countries = ArrayField(models.CharField(max_length=2))
    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="+", db_constraint=False)

    def __str__(self) -> str:
        return self.name


class Ownership(models.Model):
    """A direct share of one organisation in another, in basis points, with the days it began and ended."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="owned_by")
    owner = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="owns")
    share_bp = models.IntegerField()
    since = models.DateField()
    until = models.DateField(null=True)
    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="+", db_constraint=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(share_bp__gte=1, share_bp__lte=10_000), name="share_is_in_basis_points"
            ),
            models.CheckConstraint(condition=~Q(organisation=F("owner")), name="nobody_owns_itself"),
            models.UniqueConstraint(
                fields=["organisation", "owner"], condition=Q(until__isnull=True), name="one_share_at_a_time"
            ),
        ]


class People(BaseUserManager["Person"]):
    """How allauth makes a person."""

    def create_user(self, email: str, password: str | None = None, **fields: object) -> Person:
        person = self.model(email=self.normalize_email(email), **fields)
        person.set_password(password)
        person.save(using=self._db)
        return person


def new_pseudonym() -> str:
    """128 random bits in hex: the only name of a person that payloads ever carry."""
    return secrets.token_hex(16)


class Person(AbstractBaseUser):
    """Somebody who signs in. Payloads know them by ``pseudonym`` only, so that this row can be erased."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    pseudonym = models.CharField(max_length=32, unique=True, default=new_pseudonym)
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(auto_now_add=True)
    erasure_asked_at = models.DateTimeField(null=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = People()

    def __str__(self) -> str:
        return self.name or self.email


class Role(models.TextChoices):
    VIEWER = "viewer"
    PREPARER = "preparer"
    SIGNATORY = "signatory"
    ADMINISTRATOR = "administrator"


class Membership(models.Model):
    """A person's role in an organisation."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="memberships")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=13, choices=Role)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(role__in=Role.values), name="role_is_known"),
            models.UniqueConstraint(
                fields=["person", "organisation"], condition=Q(until__isnull=True), name="one_role_at_a_time"
            ),
        ]


class Deed(models.TextChoices):
    """What administrators do with people."""

    INVITED = "invited"
    RESENT = "invitation_sent_again", "Invitation sent again"
    WITHDRAWN = "invitation_withdrawn", "Invitation withdrawn"
    JOINED = "joined"
    ROLE_CHANGED = "role_changed", "Role changed"
    LEFT = "left"
    ERASURE_ASKED = "erasure_asked", "Erasure asked for"
    ERASED = "erased"
    HELD = "held", "Legal hold placed"
    RELEASED = "released", "Legal hold lifted"


class AdministrationEvent(models.Model):
    """What was done about a person of an organisation, by whom, when; people by pseudonym, so that they can be erased.

    ``person`` is empty for somebody who has not joined yet; ``by`` for what the house did itself.
    """

    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="administration", db_index=False
    )
    deed = models.CharField(max_length=22, choices=Deed)
    person = models.CharField(max_length=32, blank=True)
    by = models.CharField(max_length=32, blank=True)
    detail = models.CharField(max_length=80, blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(deed__in=Deed.values), name="deed_is_known")]
        indexes = [models.Index(fields=["organisation", "-id"], name="administration_log")]
        triggers = append_only()


class ApplicationState(models.TextChoices):
    APPLIED = "applied"
    VETTED = "vetted"
    ADMITTED = "admitted"
    DECLINED = "declined"


class Application(models.Model):
    """An organisation that asks to be let in, with the first key of its first administrator."""

    handle = models.CharField(max_length=63)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=20, choices=SignerKind)
    countries = ArrayField(models.CharField(max_length=2))
    email = models.EmailField()
    spki = models.BinaryField()
    state = models.CharField(max_length=8, choices=ApplicationState, default=ApplicationState.APPLIED)
    note = models.CharField(max_length=500, blank=True)
    applied_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=ApplicationState.values), name="application_state_is_known"
            ),
            models.UniqueConstraint(
                fields=["handle"],
                condition=Q(state__in=["applied", "vetted"]),
                name="one_open_application_for_a_handle",
            ),
        ]


class Invitation(models.Model):
    """A single-use letter that lets a person join an organisation; only the hash of its token is kept."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=13, choices=Role)
    token_sha256 = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)


class ApiToken(models.Model):
    """A program's credential: only its hash is kept; it has scopes, an end, and remembers its last use."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="tokens")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, null=True, related_name="tokens")
    label = models.CharField(max_length=80)
    sha256 = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=20))
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)


class Reading(models.Model):
    """That an authority looked at rows of others: for which organisation, who, where, at what, and when.

    The person is known by pseudonym only, so that they can be erased while it stays known what was read; it is empty
    for a program.
    """

    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="readings", db_index=False
    )
    person = models.CharField(max_length=32, blank=True)
    address = models.CharField(max_length=2000)
    kinds = ArrayField(models.CharField(max_length=40))
    read_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["organisation", "id"], name="readings_of_an_organisation")]
        triggers = append_only()


class ChipModel(models.Model):
    """A kind of chip and its dense figures. TPP is 2 × MacTOPS × bit length, the maximum over formats (ECCN 3A090).

    ``counted_memory_mb`` is what memory policies count: HBM or equivalent on-package memory, 0 for GDDR.
    """

    code = models.CharField(max_length=63)
    name = models.CharField(max_length=200)
    maker = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="models")
    gflops = models.JSONField()
    fp16_gflops = models.BigIntegerField()
    tpp = models.BigIntegerField()
    memory_mb = models.BigIntegerField()
    memory_kind = models.CharField(max_length=20)
    counted_memory_mb = models.BigIntegerField()
    memory_bandwidth_gbs = models.BigIntegerField()
    tdp_w = models.IntegerField()
    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="+", db_constraint=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["code"], name="chip_model_code_once")]

    def __str__(self) -> str:
        return self.name


class Site(models.Model):
    """A place where chips are. Coordinates are WGS 84 in 1e-7 degree; ``power_kw`` and ``slots`` are declared."""

    code = models.CharField(max_length=63)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="sites")
    name = models.CharField(max_length=200)
    country = models.CharField(max_length=2)
    latitude_e7 = models.IntegerField()
    longitude_e7 = models.IntegerField()
    power_kw = models.IntegerField()
    slots = models.IntegerField()
    declared_at = models.DateTimeField()
    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="+", db_constraint=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["code"], name="site_code_once"),
            models.CheckConstraint(
                condition=Q(
                    latitude_e7__range=(-900_000_000, 900_000_000),
                    longitude_e7__range=(-1_800_000_000, 1_800_000_000),
                ),
                name="site_is_on_earth",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class NetworkLink(models.Model):
    """An aggregate link between two sites, as the first of them declared it."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="links")
    other = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    mbit_s = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "other"], name="one_link_between_two_sites")]


class Chip(models.Model):
    """A chip's identity, which never changes: its maker, serial, model and device key (SubjectPublicKeyInfo DER).

    Rows come by the hundred thousand, so the table carries no foreign key in the database but the model's.
    ``statement_id`` is the statement that brought it into the book.
    """

    maker = models.ForeignKey(
        Organisation, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    serial = models.CharField(max_length=64, db_collation="C")
    model = models.ForeignKey(
        ChipModel, on_delete=models.DO_NOTHING, related_name="chips", db_constraint=False, db_index=False
    )
    device_key = models.BinaryField(null=True)
    statement = models.ForeignKey(
        Statement, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["maker", "serial"], name="chip_serial_once_for_each_maker"),
            models.UniqueConstraint(Func(F("device_key"), function="sha256"), name="chip_device_key_once"),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return self.serial

    @property
    def name(self) -> str:
        """What papers call the chip, `maker/serial`; come with the maker's signer selected."""
        return f"{self.maker.signer.handle}/{self.serial}"
