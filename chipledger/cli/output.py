"""What the command prints: text for people on one side, one JSON object for programs on the other."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from chipledger.refusals import Refused


@dataclass
class Output:
    """With ``as_json``, standard output carries exactly one JSON object; progress always goes to standard error."""

    as_json: bool

    def result(self, members: Mapping[str, object]) -> None:
        """The answer of a verb, members in order."""
        if self.as_json:
            print(json.dumps(members, ensure_ascii=False))
            return
        for name, value in members.items():
            if value is not None:
                shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                print(f"{name.replace('_', ' ')}: {shown}")

    def refuse(self, refused: Refused) -> None:
        """The sentence on standard error even with ``as_json``: in a pipeline, a program swallows the object."""
        if self.as_json:
            print(json.dumps(refused.as_problem(), ensure_ascii=False))
        print(refused, file=sys.stderr)

    def progress(self, sentence: str, *, final: bool = False) -> None:
        """One line that is overwritten on a terminal, and silent elsewhere."""
        if sys.stderr.isatty():
            print(f"\r\x1b[K{sentence}", end="\n" if final else "", file=sys.stderr, flush=True)
