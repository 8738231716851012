"""Names and bytes of the log's tiles, as C2SP tlog-tiles lays them out, so that existing clients can read the log."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from chipledger.merkle import HASH_SIZE, Node, root_of
from chipledger.refusals import Refused

TILE_WIDTH: Final = 256
TILE_HEIGHT: Final = 8
MAX_ENTRY_BYTES: Final = 65_535
_MAX_LEVEL: Final = 63

_PATH: Final = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/)*[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True)
class TileName:
    """Which tile: ``level`` None is an entry bundle; ``width`` below 256 is a partial tile."""

    level: int | None
    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Path under the log's prefix, e.g. ``tile/0/x001/x234/067.p/5``."""
        if not (self.index >= 0 and 1 <= self.width <= TILE_WIDTH and 0 <= (self.level or 0) <= _MAX_LEVEL):
            raise ValueError(f"no such tile: {self}")
        groups = [f"{self.index % 1000:03}"]
        rest = self.index // 1000
        while rest:
            groups.insert(0, f"x{rest % 1000:03}")
            rest //= 1000
        level = "entries" if self.level is None else str(self.level)
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(groups)}{partial}"

    @classmethod
    def parse(cls, path: str) -> TileName:
        """The tile of this path; refuses every spelling but the one :attr:`path` gives."""
        found = _PATH.fullmatch(path)
        if found:
            level = None if found["level"] == "entries" else int(found["level"])
            index = int(found["index"].replace("x", "").replace("/", ""))
            width = int(found["width"] or TILE_WIDTH)
            if (level or 0) <= _MAX_LEVEL and index < 2**63 and not (found["width"] and width >= TILE_WIDTH):
                name = cls(level, index, width)
                if name.path == path:
                    return name
        raise Refused(
            "tile_unknown",
            "This is not the path of a tile; write it like tile/0/000.",
            value=path,
            status=404,
        )


def tile_names(level: int | None, size: int) -> tuple[int, int]:
    """How many full tiles of this level a log of ``size`` entries has, and how wide its partial tile is (0: none)."""
    return divmod(size >> TILE_HEIGHT * (level or 0), TILE_WIDTH)


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """An entry bundle: for each entry its length (uint16, big-endian) and its bytes."""
    if not 0 < len(entries) <= TILE_WIDTH:
        raise ValueError("a bundle holds 1 to 256 entries")
    if any(len(entry) > MAX_ENTRY_BYTES for entry in entries):
        raise ValueError(f"an entry has at most {MAX_ENTRY_BYTES} bytes")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def parse_bundle(data: bytes, *, width: int = TILE_WIDTH) -> list[bytes]:
    """The ``width`` entries of a bundle; refuses any other number and a torn end."""
    entries = []
    place = 0
    while place < len(data):
        start = place + 2
        place = start + int.from_bytes(data[place:start], "big")
        if start > len(data) or place > len(data):
            raise Refused("bundle_malformed", "The entry bundle is torn; fetch it anew.")
        entries.append(data[start:place])
    if len(entries) != width:
        raise Refused(
            "bundle_malformed", f"The entry bundle holds {len(entries)} entries, not {width}; fetch it anew."
        )
    return entries


def node_from_tiles(read: Callable[[int, int], bytes]) -> Node:
    """Serve tree nodes out of tiles: ``read(level, index)`` gives a tile's hashes end to end, full or partial.

    Each tile is read once; a proof over n entries touches about log256(n) of them.
    """
    tiles: dict[tuple[int, int], bytes] = {}

    def node(level: int, index: int) -> bytes:
        row, below = divmod(level, TILE_HEIGHT)
        tile, place = divmod(index << below, TILE_WIDTH)
        if (row, tile) not in tiles:
            tiles[row, tile] = read(row, tile)
        first, last = place * HASH_SIZE, (place + (1 << below)) * HASH_SIZE
        hashes = tiles[row, tile][first:last]
        if len(hashes) != last - first:
            raise Refused(
                "tile_too_short",
                f"Tile {row}/{tile} does not reach node {level}/{index}; fetch it anew.",
                status=503,
            )
        return root_of(hashes[start : start + HASH_SIZE] for start in range(0, len(hashes), HASH_SIZE))

    return node
