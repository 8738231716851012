"""What the OpenAPI document says of every operation alike: that it may answer with a problem."""

from __future__ import annotations

from typing import Any, Final

PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "Why it was refused (RFC 9457). `code` is stable; `row`, `field` and `value` name the place.",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string", "example": "urn:chipledger:refusal:not_found"},
        "title": {"type": "string", "description": "One sentence, as people are shown it."},
        "status": {"type": "integer"},
        "code": {"type": "string", "example": "not_found"},
        "row": {"type": "integer", "description": "1-based, the header excluded."},
        "field": {"type": "string"},
        "value": {"type": "string"},
        "errors": {
            "type": "array",
            "description": "Each wrong field of a form.",
            "items": {
                "type": "object",
                "required": ["field", "code", "sentence"],
                "properties": {
                    "field": {"type": "string", "nullable": True},
                    "code": {"type": "string"},
                    "sentence": {"type": "string"},
                },
            },
        },
    },
}
_ANSWER: Final[dict[str, Any]] = {
    "description": "Refused.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def close_requests(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A drf-spectacular hook: what a request may say is all said; unknown members are refused, a file must come."""
    schemas = result.get("components", {}).get("schemas", {})
    for operations in result["paths"].values():
        for operation in operations.values():
            content = operation.get("requestBody", {}).get("content", {})
            said = content.get("application/json")
            if content and said is None:
                operation["requestBody"]["required"] = True
            name = (said or {}).get("schema", {}).get("$ref", "").rpartition("/")[2]
            if name:
                schemas[name]["additionalProperties"] = False
    return result


def add_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A drf-spectacular hook: every operation may answer with problem details."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"]["default"] = _ANSWER
    return result
