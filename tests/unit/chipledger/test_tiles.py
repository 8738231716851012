"""Tile paths and bytes as tlog-tiles has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipledger import merkle
from chipledger.refusals import Refused
from chipledger.tiles import TileName, encode_bundle, node_from_tiles, parse_bundle, tile_names


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (TileName(0, 1234067), "tile/0/x001/x234/067"),
        (TileName(0, 0), "tile/0/000"),
        (TileName(1, 999), "tile/1/999"),
        (TileName(1, 1000), "tile/1/x001/000"),
        (TileName(63, 5, 1), "tile/63/005.p/1"),
        (TileName(None, 1234067, 255), "tile/entries/x001/x234/067.p/255"),
    ],
)
def test_paths_of_the_specification(name: TileName, path: str) -> None:
    assert name.path == path
    assert TileName.parse(path) == name


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/67",
        "tile/0/0067",
        "tile/00/067",
        "tile/64/067",
        "tile/0/001/067",
        "tile/0/x000/067",
        "tile/0/x001/x067",
        "tile/0/067.p/0",
        "tile/0/067.p/256",
        "tile/0/067.p/01",
        "tile/0/067.p/",
        "tile/data/067",
        "/tile/0/067",
        "tile/0/067\n",
        "tile/0/../067",
        "tile/0/٠٦٧",
        "tile/0/" + "x001/" * 9 + "000",
    ],
)
def test_every_other_spelling_is_refused(path: str) -> None:
    with pytest.raises(Refused, match="tile_unknown"):
        TileName.parse(path)


@given(st.none() | st.integers(0, 63), st.integers(0, 2**63 - 1), st.integers(1, 256))
def test_every_tile_is_found_by_its_path(level: int | None, index: int, width: int) -> None:
    assert TileName.parse(TileName(level, index, width).path) == TileName(level, index, width)


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=256))
def test_bundles_keep_their_entries(entries: list[bytes]) -> None:
    assert parse_bundle(encode_bundle(entries), width=len(entries)) == entries


def test_bundle_lengths_are_big_endian() -> None:
    assert encode_bundle([b"x" * 258])[:2] == b"\x01\x02"


def test_torn_and_short_bundles_are_refused() -> None:
    whole = encode_bundle([b"abc", b"de"])
    for bent, width in ((whole[:-1], 2), (whole, 3), (whole, 1), (whole + b"\0", 2), (b"", 1)):
        with pytest.raises(Refused, match="bundle_malformed"):
            parse_bundle(bent, width=width)
    with pytest.raises(ValueError, match="at most 65535"):
        encode_bundle([b"x" * 65_536])


@pytest.mark.parametrize("size", [1, 255, 256, 257, 700, 65_536 + 300])
def test_proofs_out_of_tiles_are_those_of_the_tree(size: int) -> None:
    leaves = [merkle.leaf_hash(b"%d" % number) for number in range(size)]
    tree = merkle.MemoryTree(leaves)

    def read(level: int, index: int) -> bytes:
        full, partial = tile_names(level, size)
        width = 256 if index < full else partial if index == full else 0
        return b"".join(tree.node(8 * level, 256 * index + place) for place in range(width))

    node = node_from_tiles(read)
    assert merkle.range_root(node, 0, size) == tree.root()
    for index in {0, size // 2, size - 1}:
        assert merkle.inclusion_proof(node, index, size) == tree.inclusion_proof(index)
    for old in {1, size // 2, size}:
        assert merkle.consistency_proof(node, old, size) == merkle.consistency_proof(tree.node, old, size)


def test_a_tile_that_is_too_short_is_refused() -> None:
    with pytest.raises(Refused, match="tile_too_short"):
        node_from_tiles(lambda level, index: bytes(32))(0, 1)
