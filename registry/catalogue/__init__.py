"""The catalogue of real accelerator models: what each chip can compute and remember, as the law counts it.

The figures are typed in `chip_models.csv`; the README beside it names their source and what was derived.
"""

import csv
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cache
from importlib import resources

# One H100-equivalent, either way of counting: 15,840 TPP or 990 TFLOP/s of dense FP16
# (MIRI draft agreement, arXiv 2511.10783, Art. II.15).
H100E_TPP = 15_840
H100E_FP16_GFLOPS = 990_000

# Bits that enter the multiplier, per rate column (ECCN 3A090, technical note 2). TF32 multiplies 19 bits.
BITS_OF_RATE = {
    "fp4_gflops": 4,
    "fp6_gflops": 6,
    "fp8_gflops": 8,
    "int8_gops": 8,
    "fp16_gflops": 16,
    "tf32_gflops": 19,
    "fp32_gflops": 32,
}

# Memory in the chip's own package. Board memory (GDDR, LPDDR) counts nothing against a memory threshold.
ON_PACKAGE_MEMORY = frozenset({"HBM", "HBM2", "HBM2e", "HBM3", "HBM3e", "SRAM"})
BOARD_MEMORY = frozenset({"GDDR6", "GDDR6X", "GDDR7", "LPDDR5"})


@dataclass(frozen=True, slots=True)
class CatalogueModel:
    """One accelerator model. Rates are dense, in 1e9 operations a second; `None` where nothing is published.

    `memory_mb` is decimal (1e6 bytes), `memory_bandwidth_gbs` in 1e9 bytes a second. `figures` says
    how far the numbers are Epoch AI's: `epoch`, `completed` from the maker's, or `datasheet` only.
    """

    code: str
    name: str
    maker: str
    released: date
    fp4_gflops: int | None
    fp6_gflops: int | None
    fp8_gflops: int | None
    int8_gops: int | None
    fp16_gflops: int
    tf32_gflops: int | None
    fp32_gflops: int | None
    memory_mb: int
    memory_kind: str
    memory_bandwidth_gbs: int
    tdp_w: int | None
    tpp: int
    die_mm2: int | None
    gpus_per_server: int | None
    figures: str

    @property
    def h100e_tpp(self) -> Fraction:
        """H100-equivalents of one chip by total processing performance."""
        return Fraction(self.tpp, H100E_TPP)

    @property
    def h100e_fp16(self) -> Fraction:
        """H100-equivalents of one chip by dense FP16; another count when the best format is not 8-bit."""
        return Fraction(self.fp16_gflops, H100E_FP16_GFLOPS)

    @property
    def counted_memory_mb(self) -> int:
        """Memory that counts against a memory threshold: in the package, all of it; on the board, none."""
        return self.memory_mb if self.memory_kind in ON_PACKAGE_MEMORY else 0


def total_processing_performance(rates: dict[str, int | None]) -> int:
    """The most bit-operations a second of any format, in 1e12, rounded half up (ECCN 3A090)."""
    best = max(rate * BITS_OF_RATE[column] for column, rate in rates.items() if rate is not None)
    return (best + 500) // 1000


@cache
def load_models() -> tuple[CatalogueModel, ...]:
    """Every model of the catalogue, in the order of the file."""
    text = resources.files(__name__).joinpath("chip_models.csv").read_text(encoding="utf-8")
    return tuple(_model_of(row) for row in csv.DictReader(text.splitlines()))


def _model_of(row: dict[str, str]) -> CatalogueModel:
    def known(column: str) -> int | None:
        return int(row[column]) if row[column] else None

    return CatalogueModel(
        code=row["code"],
        name=row["name"],
        maker=row["maker"],
        released=date.fromisoformat(row["released"]),
        fp4_gflops=known("fp4_gflops"),
        fp6_gflops=known("fp6_gflops"),
        fp8_gflops=known("fp8_gflops"),
        int8_gops=known("int8_gops"),
        fp16_gflops=int(row["fp16_gflops"]),
        tf32_gflops=known("tf32_gflops"),
        fp32_gflops=known("fp32_gflops"),
        memory_mb=int(row["memory_mb"]),
        memory_kind=row["memory_kind"],
        memory_bandwidth_gbs=int(row["memory_bandwidth_gbs"]),
        tdp_w=known("tdp_w"),
        tpp=int(row["tpp"]),
        die_mm2=known("die_mm2"),
        gpus_per_server=known("gpus_per_server"),
        figures=row["figures"],
    )
