"""The evidence of a finding as one download: what was frozen, and its statements so that strangers can verify them."""

from __future__ import annotations

import json
import zipfile
from datetime import datetime
from typing import IO, Any, Final

from django.core.serializers.json import DjangoJSONEncoder

from audits import reports
from audits.models import Finding
from audits.rules import RULE_OF
from ledger import attachments, log
from ledger.bundles import bundle_of
from ledger.log_key import note_key
from ledger.models import Attachment
from portal.papers.documents import positions_of
from portal.queries.explanations import attached_to
from portal.queries.findings import cells
from portal.queries.story import Story
from registry.access import Reader

FORMAT: Final = "chipledger-finding@v1"
_README: Final = """A finding of {origin}, as {reader} may see it, packed at {at}.

finding.json     What the finding says: rule and version, subject, states and dates, the arithmetic frozen when it was
                 made, the evidence by grade, and the statements it rests on, by digest and position in the log.
{statements}{checkpoint}{attachments}
Statements prove themselves; the finding is a judgement, made from them by the rule that it names.
"""
_STATEMENTS: Final = """statements.json  These statements with receipts and keys. Check them on a machine of your own:
                     chipledger verify statements.json --vkey '{vkey}'
                 Take the log's key from where you know it, not from here.
"""
_NO_STATEMENTS: Final = "There is no statements.json: none of its statements is yours to read.\n"
_CHECKPOINT: Final = (
    "checkpoint.txt   The log's signed word about its size and root when the finding was made.\n"
)
_ATTACHMENTS: Final = """attachments/     What the explanation has beside it. It names each by SHA-256(salt, content);
                 finding.json has the salts.
"""


def write_evidence(file: IO[bytes], finding: Finding, story: Story, reader: Reader, *, at: datetime) -> None:
    """Pack a finding as a zip archive. Refuses, as bundles do, while one of its statements has no place in the log."""
    statements = [statement for _, statement in story.grounds]
    attached = attached_to(finding, reader)
    readme = _README.format(
        origin=log.origin(),
        reader=reader.handle,
        at=at.isoformat(timespec="seconds"),
        statements=_STATEMENTS.format(vkey=note_key().vkey) if statements else _NO_STATEMENTS,
        checkpoint=_CHECKPOINT if story.checkpoint else "",
        attachments=_ATTACHMENTS if attached else "",
    )
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", readme)
        archive.writestr("finding.json", _as_json(finding, story, attached, reader, at=at))
        if statements:
            archive.writestr("statements.json", bundle_of(statements).to_json())
        if story.checkpoint:
            archive.writestr("checkpoint.txt", story.checkpoint.note)
        for each in attached:
            with archive.open(_place_of(each), "w") as entry:
                for content in attachments.content_of(each):
                    entry.write(content)


def _place_of(attachment: Attachment) -> str:
    return f"attachments/{bytes(attachment.digest).hex()[:16]}-{attachment.name}"


def _as_json(
    finding: Finding, story: Story, attached: list[Attachment], reader: Reader, *, at: datetime
) -> str:
    rule = RULE_OF[finding.rule]
    frozen = {
        name: value for name, value in finding.frozen.items() if reader.is_regulator or name != "confidential"
    }
    positions = positions_of([statement.pk for _, statement in story.grounds])
    told: dict[str, Any] = dict(zip(reports.HEADER, cells(finding, reader), strict=True))
    told |= {
        "rule": {
            "code": rule.code,
            "version": frozen.get("rule_version"),
            "title": rule.title,
            "cites": rule.cites,
        },
        "worsened_at": finding.worsened_at,
        "refreshed_at": finding.refreshed_at,
        "explained_at": finding.explained_at,
    }
    members = {
        "format": FORMAT,
        "log": log.origin(),
        "made_at": at,
        "made_for": reader.handle,
        "finding": told,
        "frozen": frozen,
        "checkpoint": None
        if story.checkpoint is None
        else {"size": story.checkpoint.size, "root": bytes(story.checkpoint.root).hex()},
        "evidence": [vars(each) for each in story.evidence if each.seen_at],
        "missing": story.missing,
        "attachments": [
            {
                "file": _place_of(each),
                "digest": bytes(each.digest).hex(),
                "salt": bytes(each.salt).hex(),
                "size": each.size,
            }
            for each in attached
        ],
        "statements": [
            {
                "part": part,
                "digest": bytes(statement.digest).hex(),
                "kind": statement.kind,
                "position": positions.get(statement.pk),
            }
            for part, statement in story.grounds
        ],
    }
    return json.dumps(members, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2) + "\n"
