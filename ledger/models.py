"""Signers and keys, statements as they were received, and the log that commits to them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from ledger.append_only import append_only


class SignerKind(models.TextChoices):
    MANUFACTURER = "manufacturer"
    INTEGRATOR = "integrator"
    DISTRIBUTOR = "distributor"
    CARRIER = "carrier"
    OPERATOR = "operator"
    REGULATOR = "regulator"
    INSPECTORATE = "inspectorate"
    LANDMARK_OPERATOR = "landmark_operator"


class Standing(models.TextChoices):
    ADMITTED = "admitted"
    SUSPENDED = "suspended"


class Signer(models.Model):
    """An organisation as far as its signature goes: what it is, and whether it may sign today."""

    handle = models.CharField(max_length=63)
    kind = models.CharField(max_length=20, choices=SignerKind)
    standing = models.CharField(max_length=10, choices=Standing, default=Standing.ADMITTED)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["handle"], name="signer_handle_once"),
            models.CheckConstraint(condition=Q(kind__in=SignerKind.values), name="signer_kind_is_known"),
            models.CheckConstraint(
                condition=Q(standing__in=Standing.values), name="signer_standing_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.handle


class KeyPurpose(models.TextChoices):
    STATEMENT = "statement"
    PASSKEY = "passkey"
    MACHINE = "machine"


class KeyRole(models.TextChoices):
    SIGNATORY = "signatory"
    ADMINISTRATOR = "administrator"
    MACHINE = "machine"


class Key(models.Model):
    """A public key of a signer, the office it holds, and how long it counts.

    It counts from the statement that added it to the statement that revoked it, in the order of the log.
    ``credential`` is the WebAuthn credential id of a passkey; ``person`` a pseudonym. The backup flags are those under
    which a passkey proved itself when it was added; a key that was granted without signing has none.
    """

    signer = models.ForeignKey(Signer, on_delete=models.PROTECT, related_name="keys")
    key_id = models.CharField(max_length=64)
    algorithm = models.CharField(max_length=8)
    spki = models.BinaryField()
    purpose = models.CharField(max_length=9, choices=KeyPurpose)
    role = models.CharField(max_length=13, choices=KeyRole)
    person = models.CharField(max_length=32, blank=True, default="")
    credential = models.CharField(max_length=1366, blank=True, default="")
    is_backup_eligible = models.BooleanField(null=True)
    is_backed_up = models.BooleanField(null=True)
    added_by = models.ForeignKey("Statement", on_delete=models.PROTECT, related_name="+", db_constraint=False)
    added_at = models.DateTimeField()
    revoked_by = models.ForeignKey(
        "Statement", on_delete=models.PROTECT, related_name="+", null=True, db_constraint=False
    )
    revoked_at = models.DateTimeField(null=True)
    suspected_since = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key_id"], name="key_once"),
            models.CheckConstraint(condition=Q(purpose__in=KeyPurpose.values), name="key_purpose_is_known"),
            models.CheckConstraint(condition=Q(role__in=KeyRole.values), name="key_role_is_known"),
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True, revoked_by__isnull=True)
                | Q(revoked_at__isnull=False, revoked_by__isnull=False),
                name="key_revoked_at_and_by",
            ),
        ]


class SigningPolicy(models.Model):
    """What an organisation asks of its own signatures, as its newest statement about them says."""

    signer = models.OneToOneField(
        Signer, on_delete=models.PROTECT, primary_key=True, related_name="signing_policy"
    )
    refuses_synced = models.BooleanField()
    second_above_chips = models.BigIntegerField(null=True)
    second_above_tpp = models.BigIntegerField(null=True)
    statement = models.ForeignKey(
        "Statement", on_delete=models.PROTECT, related_name="+", db_constraint=False
    )

    @property
    def wants_second(self) -> bool:
        """Whether anything needs two people."""
        return self.second_above_chips is not None or self.second_above_tpp is not None


class Statement(models.Model):
    """A signed statement that was accepted: its payload byte for byte as received, its signatures, and the verdict.

    ``digest`` is SHA-256(PAE), the only identity a statement has. ``verdict`` is what the owning room judged and
    replay must not judge again. ``keys`` are the ids of the key rows that signed.
    """

    digest = models.BinaryField(max_length=32)
    kind = models.CharField(max_length=40)
    signer = models.ForeignKey(
        Signer, on_delete=models.PROTECT, related_name="statements", null=True, db_constraint=False
    )
    payload = models.BinaryField()
    signatures = models.JSONField()
    keys = ArrayField(models.BigIntegerField(), default=list)
    verdict = models.JSONField(default=dict)
    accepted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["digest"], name="statement_once"),
        ]
        indexes = [models.Index(fields=["signer", "-id"], name="statement_of_signer")]
        triggers = append_only()


class PendingEntry(models.Model):
    """A statement that waits for its place in the log; ids are drawn after all locks and do not follow commits."""

    statement = models.OneToOneField(Statement, on_delete=models.PROTECT, related_name="pending")
    data = models.BinaryField()


class Entry(models.Model):
    """A log entry at its position: the bytes that were hashed, and their leaf hash."""

    position = models.BigIntegerField(primary_key=True)
    statement = models.OneToOneField(Statement, on_delete=models.PROTECT, related_name="entry")
    data = models.BinaryField()
    leaf_hash = models.BinaryField(max_length=32)

    class Meta:
        triggers = append_only()


class Tile(models.Model):
    """A full tile of 256 hashes; partial ones are served from entries and from the level below."""

    level = models.SmallIntegerField()
    index = models.BigIntegerField()
    hashes = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["level", "index"], name="tile_once")]
        triggers = append_only()


class Checkpoint(models.Model):
    """A signed size and root of the log; ``note`` is the signed note as published."""

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField(max_length=32)
    note = models.TextField()
    signed_at = models.DateTimeField()

    class Meta:
        triggers = append_only()


class Blob(models.Model):
    """A manifest file as it was uploaded, scoped to its organisation; ``secret`` salts its rows."""

    signer = models.ForeignKey(Signer, on_delete=models.PROTECT, related_name="blobs")
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    secret = models.BinaryField(max_length=32)
    uploaded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["signer", "sha256", "secret"], name="blob_once_for_each_signer")
        ]
        triggers = append_only()


class BlobPart(models.Model):
    """A piece of a blob, in order."""

    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="parts")
    part = models.IntegerField()
    content = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["blob", "part"], name="blob_part_once")]
        triggers = append_only()


class Attachment(models.Model):
    """Words or a document beside a statement, which can be erased while the statement stays provable.

    ``digest`` is SHA-256(``salt`` ‖ content), and what the statement says of it. ``name`` is what its sender called it,
    and decides nothing. ``statement`` is the one that names it; None while none does.
    """

    signer = models.ForeignKey(Signer, on_delete=models.PROTECT, related_name="attachments")
    digest = models.BinaryField(max_length=32, unique=True)
    salt = models.BinaryField(max_length=32)
    name = models.CharField(max_length=120)
    size = models.BigIntegerField()
    kept_at = models.DateTimeField()
    kept_by = models.CharField(max_length=32, blank=True)
    statement = models.ForeignKey(
        Statement, on_delete=models.PROTECT, related_name="attachments", null=True, db_constraint=False
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(size__gt=0), name="attachment_holds_something"),
        ]


class AttachmentPart(models.Model):
    """A piece of an attachment, in order."""

    attachment = models.ForeignKey(Attachment, on_delete=models.CASCADE, related_name="parts")
    part = models.IntegerField()
    content = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["attachment", "part"], name="attachment_part_once")]


class InboxItem(models.Model):
    """An acknowledged envelope that waits for a worker, because it names a manifest."""

    digest = models.BinaryField(max_length=32)
    envelope = models.BinaryField()
    signer = models.ForeignKey(Signer, on_delete=models.PROTECT, related_name="+")
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    job = models.OneToOneField("jobs.Job", on_delete=models.PROTECT, related_name="inbox_item")
    received_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["digest"], name="inbox_digest")]
