"""Refusals to machines are RFC 9457 problems; to people they are the sentence."""

from __future__ import annotations

import json

import pytest
from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as ModelValidationError
from django.http import Http404, HttpResponse
from django.test import RequestFactory
from rest_framework import exceptions, serializers

from chipledger.refusals import Refused
from web.refusals import PROBLEM_TYPE, RefusalMiddleware, failed, not_found, problem_handler, stale_form

NOT_CONSIGNEE = Refused("not_consignee", "Only the consignee can sign for this transfer.", row=3, status=409)


def problem_of(exc: Exception) -> dict[str, object]:
    response = problem_handler(exc, {})
    assert response is not None
    assert response["Content-Type"] == PROBLEM_TYPE
    problem: dict[str, object] = json.loads(response.content)
    assert problem["status"] == response.status_code
    return problem


def refused_at(path: str, **headers: str) -> HttpResponse:
    request = RequestFactory().get(path, headers=headers)
    request.htmx = "HX-Request" in headers
    answer = RefusalMiddleware(lambda _: HttpResponse()).process_exception(request, NOT_CONSIGNEE)
    assert answer is not None
    return answer


def test_a_refusal_under_api_is_a_problem_with_its_place() -> None:
    answer = refused_at("/api/v1/statements")
    assert (answer.status_code, answer["Content-Type"]) == (409, PROBLEM_TYPE)
    assert json.loads(answer.content) == {
        "type": "urn:chipledger:refusal:not_consignee",
        "title": "Only the consignee can sign for this transfer.",
        "status": 409,
        "code": "not_consignee",
        "row": 3,
    }


def test_a_refusal_of_a_page_shows_the_sentence_and_the_status() -> None:
    answer = refused_at("/transfers/7/receive")
    assert answer.status_code == 409
    assert "Only the consignee can sign for this transfer." in answer.content.decode()
    assert "<!DOCTYPE html>" in answer.content.decode()


def test_a_refusal_of_a_part_of_a_page_is_a_toast() -> None:
    answer = refused_at("/transfers/7/receive", **{"HX-Request": "true"})
    assert answer["HX-Retarget"] == "#toasts"
    assert "<!DOCTYPE html>" not in answer.content.decode()


def test_other_exceptions_pass_the_middleware() -> None:
    middleware = RefusalMiddleware(lambda _: HttpResponse())
    assert middleware.process_exception(RequestFactory().get("/"), ValueError("x")) is None


@pytest.mark.parametrize("exc", [Http404("Chip aurora/AX1"), exceptions.NotFound("Chip aurora/AX1")])
def test_a_404_never_names_the_object(exc: Exception) -> None:
    problem = problem_of(exc)
    assert problem["code"] == "not_found"
    assert "AX1" not in json.dumps(problem)


@pytest.mark.parametrize(
    ("exc", "code", "status"),
    [
        (PermissionDenied("no"), "forbidden", 403),
        (exceptions.NotAuthenticated(), "not_authenticated", 401),
        (exceptions.MethodNotAllowed("PUT"), "method_not_allowed", 405),
        (exceptions.ParseError(), "parse_error", 400),
        (NOT_CONSIGNEE, "not_consignee", 409),
    ],
)
def test_every_refusal_of_the_framework_has_a_code(exc: Exception, code: str, status: int) -> None:
    problem = problem_of(exc)
    assert (problem["code"], problem["status"]) == (code, status)


def test_throttled_says_when_to_come_back() -> None:
    response = problem_handler(exceptions.Throttled(wait=12.3), {})
    assert response is not None
    assert response["Retry-After"] == "13"


def test_field_errors_name_field_code_and_sentence() -> None:
    class Line(serializers.Serializer):
        serial = serializers.CharField(max_length=3)

    class Body(serializers.Serializer):
        site = serializers.CharField()
        lines = Line(many=True)

    body = Body(data={"lines": [{"serial": "AX1"}, {"serial": "AX12345"}]})
    assert not body.is_valid()
    problem = problem_of(exceptions.ValidationError(body._errors))
    assert problem["errors"] == [
        {"field": "site", "code": "required", "sentence": "This field is required."},
        {
            "field": "lines[1].serial",
            "code": "max_length",
            "sentence": "Ensure this field has no more than 3 characters.",
        },
    ]


def test_model_errors_have_the_same_shape() -> None:
    problem = problem_of(
        ModelValidationError({"site": ModelValidationError("Unknown site.", code="unknown")})
    )
    assert problem["errors"] == [{"field": "site", "code": "unknown", "sentence": "Unknown site."}]


def test_unknown_exceptions_are_not_swallowed() -> None:
    assert problem_handler(ValueError("x"), {}) is None


def test_a_path_that_no_route_knows_is_a_problem_under_api_and_a_page_elsewhere() -> None:
    api = not_found(RequestFactory().get("/api/v1/nothing"), Http404())
    page = not_found(RequestFactory().get("/nothing"), Http404())
    assert (api.status_code, api["Content-Type"]) == (404, PROBLEM_TYPE)
    assert page.status_code == 404
    assert "Nothing here" in page.content.decode()


def test_the_500_page_needs_no_context() -> None:
    page = failed(RequestFactory().get("/"))
    assert page.status_code == 500
    assert "Nothing was booked" in page.content.decode()


def test_a_stale_form_says_what_to_do() -> None:
    page = stale_form(RequestFactory().post("/"))
    assert page.status_code == 403
    assert "Load it again" in page.content.decode()
