"""Names as pages and addresses write them."""

from __future__ import annotations

from django import template

from registry.models import Chip

register = template.Library()


@register.filter(name="hex")
def as_hex(value: bytes | memoryview) -> str:
    """A digest in lower-case hex."""
    return bytes(value).hex()


@register.filter
def chip_name(chip: Chip) -> str:
    """`maker/serial`; come with the maker's signer selected."""
    return f"{chip.maker.signer.handle}/{chip.serial}"


@register.filter
def percent(basis_points: int) -> str:
    """A share as people write it, exactly: 50.01 must not look like half."""
    return f"{basis_points / 100:g} %"
