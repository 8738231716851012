"""The OpenAPI document: generated without a warning, valid, and true about addresses, tokens and problems."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from openapi_spec_validator import validate

from tests.integration.api.caller import Caller

PUBLIC = {
    "/api/v1/applications",
    "/api/v1/log/checkpoint",
    "/api/v1/log/proof/inclusion",
    "/api/v1/log/proof/consistency",
}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    GENERATOR_STATS.reset()
    return dict(SchemaGenerator().get_schema(request=None, public=True))


def test_the_schema_is_generated_without_a_warning(schema: dict[str, Any]) -> None:
    assert dict(GENERATOR_STATS._warn_cache) == {}
    assert dict(GENERATOR_STATS._error_cache) == {}


def test_the_schema_is_valid_openapi(schema: dict[str, Any]) -> None:
    validate(schema)


def test_every_address_of_the_api_is_in_the_schema(schema: dict[str, Any]) -> None:
    assert len(list(api_patterns(get_resolver()))) == len(schema["paths"]) + 1  # the schema's own


def api_patterns(resolver: URLResolver, prefix: str = "") -> list[str]:
    found: list[str] = []
    for pattern in resolver.url_patterns:
        address = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            found += [address] if address.startswith("api/v1/") else []
        else:
            found += api_patterns(pattern, address)
    return found


def operations(schema: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_operation_says_what_it_does_under_a_name_of_its_own(schema: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(schema)]
    assert len(set(names)) == len(names)
    assert [path for path, _, operation in operations(schema) if not operation.get("description")] == []


def test_every_operation_may_answer_with_a_problem(schema: dict[str, Any]) -> None:
    for path, method, operation in operations(schema):
        problem = operation["responses"]["default"]["content"]["application/problem+json"]
        assert problem["schema"] == {"$ref": "#/components/schemas/Problem"}, (path, method)


def test_only_the_public_part_works_without_a_token(schema: dict[str, Any]) -> None:
    public = {path for path, _, operation in operations(schema) if not operation.get("security")}
    assert public == PUBLIC
    assert schema["components"]["securitySchemes"]["token"]["scheme"] == "bearer"


@pytest.mark.django_db
def test_the_schema_is_served_to_anybody_who_may_read_the_api() -> None:
    answer = Caller(None).get("/schema")
    assert answer.status_code == 200
    assert answer.json()["info"]["title"] == "Chipledger"
