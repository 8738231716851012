"""The genesis statement that docs/founding.md tells people to write."""

from __future__ import annotations

from pathlib import Path

from chipledger.keys import Algorithm, PrivateKey
from chipledger.statements import parse_payload
from chipledger.statements.ledger import LedgerFounded

PAGE = Path(__file__).resolve().parents[3] / "docs" / "founding.md"


def test_the_printed_genesis_statement_is_one_once_its_blanks_are_filled() -> None:
    text = PAGE.read_text(encoding="utf-8").split("```json\n")[1].split("```")[0]
    office, log = (PrivateKey.generate(Algorithm.P256).public for _ in range(2))
    blanks = {
        "LOG_ORIGIN": "chips.example.org/2026",
        "NONCE": "0" * 32,
        "KEY ID": office.key_id,
        "LOG_KEY": log.base64,
        "SPKI": office.base64,
    }
    for blank, value in blanks.items():
        text = text.replace(f'"{blank}"', f'"{value}"')
    body = parse_payload(text.encode())
    assert isinstance(body, LedgerFounded)
    assert body.regulators[0].keys[0].spki == office.base64
