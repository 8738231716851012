"""What the statements of this room do: policies enter the book, findings are explained and decided."""

from __future__ import annotations

from audits.statements import findings as findings
from audits.statements import policies as policies
