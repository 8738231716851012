"""Reading the log: tiles, entries, checkpoints, proofs and receipts."""

from __future__ import annotations

from django.conf import settings

from chipledger import merkle, tiles
from chipledger.merkle import Node
from chipledger.receipts import LogReceipt
from chipledger.refusals import Refused
from ledger.models import Checkpoint, Entry, Statement, Tile

WIDTH = tiles.TILE_WIDTH


def latest_checkpoint() -> Checkpoint | None:
    """The newest checkpoint that was signed."""
    return Checkpoint.objects.order_by("-size").first()


def nodes(size: int) -> Node:
    """Roots of complete subtrees of the log at ``size``, read from tiles."""
    return tiles.node_from_tiles(lambda level, index: tile_hashes(level, index, size))


def no_such_tile() -> Refused:
    """The refusal of what lies beyond the log."""
    return Refused("no_such_tile", "The log has not grown this far; try again once it has.", status=404)


def not_integrated() -> Refused:
    """The refusal to prove a statement within the second or two after its acceptance."""
    return Refused(
        "not_integrated", "This statement has no place in the log yet; try again in a moment.", status=409
    )


def tile_hashes(level: int, index: int, size: int) -> bytes:
    """The hashes of a tile of the log at ``size``, end to end: full as stored, partial from the level below."""
    width = min(WIDTH, (size >> (8 * level)) - index * WIDTH)
    if width <= 0:
        raise no_such_tile()
    stored = Tile.objects.filter(level=level, index=index).values_list("hashes", flat=True).first()
    if stored is not None:
        return bytes(stored)[: width * merkle.HASH_SIZE]
    first = index * WIDTH
    if level == 0:
        leaves = Entry.objects.filter(position__gte=first, position__lt=first + width).order_by("position")
        return b"".join(bytes(leaf) for leaf in leaves.values_list("leaf_hash", flat=True))
    below = Tile.objects.filter(level=level - 1, index__gte=first, index__lt=first + width).order_by("index")
    return b"".join(_root_of_tile(bytes(hashes)) for hashes in below.values_list("hashes", flat=True))


def _root_of_tile(hashes: bytes) -> bytes:
    return merkle.root_of(
        hashes[start : start + merkle.HASH_SIZE] for start in range(0, len(hashes), merkle.HASH_SIZE)
    )


def entry_bundle(index: int, width: int) -> bytes:
    """The entries of tile ``index`` of level 0, the first ``width`` of them, in the bundle format of tlog-tiles."""
    first = index * WIDTH
    found = Entry.objects.filter(position__gte=first, position__lt=first + width).order_by("position")
    return tiles.encode_bundle([bytes(data) for data in found.values_list("data", flat=True)])


def receipt_of(statement: Statement) -> LogReceipt | None:
    """Where a statement stands in the log, with its path to the newest checkpoint; None while it still waits."""
    checkpoint = latest_checkpoint()
    entry = Entry.objects.filter(statement=statement).only("position").first()
    if checkpoint is None or entry is None or entry.position >= checkpoint.size:
        return None
    proof = merkle.inclusion_proof(nodes(checkpoint.size), entry.position, checkpoint.size)
    return LogReceipt(entry.position, tuple(proof), checkpoint.note)


def consistency(old: int, new: int) -> list[bytes]:
    """The proof that the log at ``new`` extends the log at ``old``."""
    newest = latest_checkpoint()
    if newest is None or not 0 <= old <= new <= newest.size:
        raise Refused(
            "no_such_size",
            "The log has no checkpoint of this size; name sizes up to its newest, the older first.",
            status=404,
        )
    return merkle.consistency_proof(nodes(new), old, new)


def origin() -> str:
    """The name of this log."""
    return str(settings.LOG_ORIGIN)
