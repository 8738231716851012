"""The one refusal: why something may not happen, in a code for machines and a sentence for people."""

from __future__ import annotations


class Refused(Exception):
    """Something was asked that the rules do not allow; nothing was booked.

    ``code`` is stable snake_case and part of the public interface; ``sentence`` is shown to people as it is, and tells
    them what to do next.
    ``row`` (1-based, header excluded), ``field`` and ``value`` name the exact place when the fault has one.
    ``status`` is the HTTP status the refusal answers with.
    """

    def __init__(
        self,
        code: str,
        sentence: str,
        *,
        row: int | None = None,
        field: str | None = None,
        value: str | None = None,
        status: int = 422,
    ) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.row = row
        self.field = field
        self.value = None if value is None else value[:200]
        self.status = status

    def __str__(self) -> str:
        place = ", ".join(
            f"{name} {value}"
            for name, value in (("row", self.row), ("field", self.field), ("value", self.value))
            if value is not None
        )
        return f"{self.code}: {self.sentence}" + (f" ({place})" if place else "")

    def as_problem(self) -> dict[str, object]:
        """RFC 9457 problem details, without members that do not apply; a NUL, which no database keeps, is replaced."""
        problem: dict[str, object] = {
            "type": f"urn:chipledger:refusal:{self.code}",
            "title": self.sentence,
            "status": self.status,
            "code": self.code,
        }
        for name in ("row", "field", "value"):
            if (found := getattr(self, name)) is not None:
                problem[name] = found.replace("\0", "\ufffd") if isinstance(found, str) else found
        return problem
