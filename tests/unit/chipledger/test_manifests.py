"""Canonical manifests: one pass over a file that may be hostile, and every fault named."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipledger import manifests, merkle
from chipledger.keys import Algorithm, PrivateKey
from chipledger.manifests import Fault, FaultLog, ManifestReader, ManifestSummary, Shape, read_csv
from chipledger.refusals import Refused

SECRET = bytes(range(32))
KEYS = [PrivateKey.generate(algorithm).public.base64 for algorithm in Algorithm]
ROWS = [
    ("h100-sxm", "SN.1", KEYS[0]),
    ("h100-sxm", "SN_2", KEYS[1]),
    ("b200", "sn-3", KEYS[2]),
    ("b200", "4", ""),
]


def canonical(*rows: tuple[str, ...], shape: Shape = Shape.COMMISSION) -> bytes:
    out = io.BytesIO()
    manifests.write_canonical(rows, out, shape)
    return out.getvalue()


GOOD = canonical(*ROWS)


def read(
    data: bytes, shape: Shape = Shape.COMMISSION, chunk: int = 1 << 16
) -> tuple[ManifestReader, ManifestSummary]:
    reader = ManifestReader(shape, SECRET)
    for start in range(0, len(data), chunk):
        reader.feed(data[start : start + chunk])
    return reader, reader.close()


def faults_of(data: bytes, shape: Shape = Shape.COMMISSION) -> list[tuple[int, str, str]]:
    reader, _ = read(data, shape)
    return [(fault.row, fault.field, fault.code) for fault in reader.faults.first]


def refusal_of(data: bytes, shape: Shape = Shape.COMMISSION) -> str:
    with pytest.raises(Refused) as refusal:
        read(data, shape)
    return refusal.value.code


def test_the_summary_is_what_the_contract_says() -> None:
    reader, summary = read(GOOD)
    leaves = []
    for line in GOOD.splitlines()[1:]:
        salt = hmac.new(SECRET, line, hashlib.sha256).digest()
        leaves.append(hashlib.sha256(b"\x00" + salt + line).digest())
    root = merkle.node_hash(merkle.node_hash(leaves[0], leaves[1]), merkle.node_hash(leaves[2], leaves[3]))
    assert not reader.faults
    assert summary == ManifestSummary(hashlib.sha256(GOOD).hexdigest(), len(GOOD), 4, root.hex())


@given(st.integers(1, len(GOOD)))
def test_how_a_file_is_cut_into_chunks_does_not_matter(chunk: int) -> None:
    assert read(GOOD, chunk=chunk)[1] == read(GOOD)[1]


def test_well_formed_rows_are_passed_on() -> None:
    seen: list[tuple[int, bytes]] = []
    reader = ManifestReader(
        Shape.COMMISSION, SECRET, on_rows=lambda numbers, rows: seen.extend(zip(numbers, rows, strict=True))
    )
    reader.feed(GOOD + b"b200,bad serial,\nb200,5,\n")
    reader.close()
    assert seen == [*enumerate(GOOD.splitlines()[1:], 1), (6, b"b200,5,")]


def test_every_fault_is_named_by_row_field_and_value() -> None:
    bad = (
        GOOD + b"B200,SN 1,xyz\nb200,6\nb200,SN.1,\nb200,7," + KEYS[0].encode() + b"\nb200,\xff,\nb200,8,\r\n"
    )
    reader, summary = read(bad)
    assert [(fault.row, fault.field, fault.value[:4], fault.code) for fault in reader.faults.first] == [
        (5, "model", "B200", "bad_model"),
        (5, "serial", "SN 1", "bad_serial"),
        (5, "device_key", "xyz", "bad_device_key"),
        (6, "row", "b200", "row_malformed"),
        (9, "row", "b200", "not_utf8"),
        (10, "row", "b200", "row_line_end"),
        (7, "serial", "SN.1", "duplicate_serial"),
        (8, "device_key", KEYS[0][:4], "duplicate_device_key"),
    ]
    assert reader.faults.counts.total() == 8
    assert summary.rows == 10


def test_a_duplicate_is_found_across_batches() -> None:
    chips = [f"nvidia/{number:08}" for number in range(60_000)]
    data = canonical(*[(chip,) for chip in [*chips, chips[17]]], shape=Shape.CHIPS)
    assert faults_of(data, Shape.CHIPS) == [(60_001, "chip", "duplicate_chip")]


def test_a_serial_in_other_case_is_another_chip() -> None:
    assert faults_of(canonical(("nvidia/a1",), ("nvidia/A1",), shape=Shape.CHIPS), Shape.CHIPS) == []


@pytest.mark.parametrize(
    "chip", ["nvidia", "nvidia/", "/1", "NVIDIA/1", "n/1", "nvidia/a/b", "nvidia/" + "1" * 65, ""]
)
def test_names_that_are_no_chip_are_faults(chip: str) -> None:
    assert faults_of(canonical((chip,), shape=Shape.CHIPS), Shape.CHIPS) == [(1, "chip", "bad_chip")]


def test_a_device_key_off_its_curve_is_a_fault() -> None:
    key = bytearray(PrivateKey.generate(Algorithm.P256).public.spki)
    key[-1] ^= 1
    bent = base64.b64encode(key).decode()
    assert faults_of(canonical(("b200", "1", bent))) == [(1, "device_key", "bad_device_key")]
    small = "MCowBQYDK2VwAyEA" + base64.b64encode((1).to_bytes(32, "little")).decode()
    assert faults_of(canonical(("b200", "1", small))) == [(1, "device_key", "bad_device_key")]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "manifest_empty"),
        (b"model,serial,device_key\n", "manifest_empty"),
        (b"model,serial\nb200,1\n", "manifest_header"),
        (b"serial,model,device_key\n1,b200,\n", "manifest_header"),
        (b"\xef\xbb\xbf" + GOOD, "manifest_encoding"),
        (GOOD.decode().encode("utf-16"), "manifest_encoding"),
        (GOOD.decode().encode("utf-16-le"), "manifest_encoding"),
        (GOOD.replace(b"\n", b"\r\n"), "manifest_line_ends"),
        (b"\0" * 100_000, "manifest_encoding"),
        (b"x" * 100_000, "manifest_header"),
    ],
)
def test_files_of_another_kind_are_refused_at_once(data: bytes, code: str) -> None:
    assert refusal_of(data) == code


def test_a_file_must_end_with_a_line_feed() -> None:
    assert faults_of(GOOD[:-1])[-1] == (4, "row", "row_unfinished")


def test_an_endless_line_is_one_fault_and_takes_no_memory() -> None:
    reader = ManifestReader(Shape.COMMISSION, SECRET)
    reader.feed(GOOD)
    block = b"x" * (1 << 20)
    tracemalloc.start()
    for _ in range(100):
        reader.feed(block)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    reader.feed(b"\nb200,5,\n")
    assert reader.close().rows == 6
    assert reader.faults.counts == {"row_too_long": 1}
    assert peak < 8 << 20


def test_a_row_just_over_the_limit_is_too_long() -> None:
    assert faults_of(GOOD + b"b200," + b"1" * 4096 + b",\n") == [(5, "row", "row_too_long")]


def test_a_file_over_the_limits_is_refused_early(monkeypatch: pytest.MonkeyPatch) -> None:
    data = canonical(*[(f"nvidia/{number}",) for number in range(2000)], shape=Shape.CHIPS)
    monkeypatch.setattr("chipledger.manifests.reader.MAX_ROWS", 1999)
    assert refusal_of(data, Shape.CHIPS) == "manifest_too_many_rows"
    monkeypatch.setattr("chipledger.manifests.reader.MAX_BYTES", 1000)
    assert refusal_of(data, Shape.CHIPS) == "manifest_too_large"


def test_all_faults_are_counted_and_streamed_and_a_thousand_kept() -> None:
    streamed: list[Fault] = []
    reader = ManifestReader(Shape.CHIPS, SECRET, on_fault=streamed.append)
    reader.feed(b"chip\n" + b"?\n" * 2500)
    reader.close()
    assert (len(streamed), len(reader.faults.first), reader.faults.counts["bad_chip"]) == (2500, 1000, 2500)
    with pytest.raises(Refused) as refusal:
        manifests.summarise(io.BytesIO(b"chip\n?\n"), Shape.CHIPS, SECRET)
    assert (refusal.value.code, refusal.value.row, refusal.value.field, refusal.value.value) == (
        "bad_chip",
        1,
        "chip",
        "?",
    )


def test_a_secret_of_another_length_is_refused() -> None:
    with pytest.raises(Refused, match="manifest_secret_malformed"):
        ManifestReader(Shape.CHIPS, b"short")


def loose(
    reader: Callable[..., object], data: bytes, shape: Shape = Shape.COMMISSION
) -> tuple[list[tuple[str, ...]], list[Fault]]:
    faults = FaultLog()
    return list(reader(io.BytesIO(data), shape, faults)), faults.first


def test_csv_in_another_order_with_quotes_and_a_byte_order_mark_is_read() -> None:
    data = '\ufeffSerial , "model"\r\n"SN.1", b200\r\n\r\nSN.2,b200\r\n'.encode()
    assert loose(manifests.read_csv, data) == ([("b200", "SN.1", ""), ("b200", "SN.2", "")], [])
    data = b"serial,maker\n0001,nvidia\n"
    assert loose(manifests.read_csv, data, Shape.CHIPS) == ([("nvidia/0001",)], [])


def test_csv_faults_are_named() -> None:
    rows, faults = loose(manifests.read_csv, b"model,serial\nb200,ok\nB200,1\nb200,\xff\nb200\n")
    assert rows == [("b200", "ok", "")]
    assert [(fault.row, fault.field, fault.value, fault.code) for fault in faults] == [
        (2, "model", "B200", "bad_model"),
        (3, "serial", "\\xff", "bad_serial"),
        (4, "row", "b200", "row_malformed"),
    ]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "csv_header"),
        (b"serial\n1\n", "csv_header"),
        (b"model,serial,serial\n", "csv_header"),
        (b"model,serial,price\n", "csv_header"),
        (b'model,serial\nb200,"1\n', "csv_malformed"),
        ("model,serial\n".encode("utf-16"), "manifest_encoding"),
        (b"model,serial\n" + b"x" * 5000, "row_too_long"),
    ],
)
def test_csv_that_cannot_be_read_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        loose(manifests.read_csv, data)
    assert refusal.value.code == code


def test_json_lines_are_read_and_their_faults_named() -> None:
    data = (
        b'{"serial":"1","model":"b200","device_key":null}\n\n{"serial":1,"model":"b200"}\n'
        b'{"serial":"2","serial":"3"}\n{"serial":"2","colour":"red"}\n{"serial":"2","model":""}\nnonsense\n'
    )
    rows, faults = loose(manifests.read_json_lines, data)
    assert rows == [("b200", "1", "")]
    assert [(fault.row, fault.field, fault.code) for fault in faults] == [
        (3, "serial", "row_malformed"),
        (4, "serial", "json_duplicate_key"),
        (5, "colour", "unknown_field"),
        (6, "model", "bad_model"),
        (7, "row", "json_malformed"),
    ]


def test_one_row_is_proved_without_its_neighbours() -> None:
    summary = read(GOOD)[1]
    proof = manifests.prove_row(io.BytesIO(GOOD), Shape.COMMISSION, SECRET, index=2)
    assert proof.row == ",".join(ROWS[2])
    manifests.verify_row(proof, rows_root=summary.rows_root, rows=4)
    other = manifests.prove_row(io.BytesIO(GOOD), Shape.COMMISSION, bytes(32), index=2)
    with pytest.raises(Refused, match="inclusion_invalid"):
        manifests.verify_row(other, rows_root=summary.rows_root, rows=4)
    with pytest.raises(Refused, match="row_proof_invalid"):
        manifests.verify_row(proof, rows_root=summary.rows_root, rows=5)
    with pytest.raises(Refused, match="proof_out_of_range"):
        manifests.prove_row(io.BytesIO(GOOD), Shape.COMMISSION, SECRET, index=4)


@pytest.mark.parametrize("row", [b"x\n", b"\n"])
def test_a_file_of_faults_ends_at_the_limit_of_rows_too(monkeypatch: pytest.MonkeyPatch, row: bytes) -> None:
    monkeypatch.setattr("chipledger.manifests.inputs.MAX_ROWS", 10)
    faults = FaultLog()
    with pytest.raises(Refused, match="manifest_too_many_rows"):
        list(read_csv(io.BytesIO(b"model,serial\n" + row * 100), Shape.COMMISSION, faults))
    assert faults.counts.total() <= 10
