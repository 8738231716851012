"""How a refusal is shown: RFC 9457 problem details to machines, a page with the sentence to people."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as ModelValidationError
from django.db import InterfaceError, OperationalError
from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from rest_framework import exceptions
from rest_framework.views import set_rollback

from chipledger.refusals import Refused

PROBLEM_TYPE = "application/problem+json"
API_PREFIX = "/api/"

NOT_FOUND = Refused("not_found", "There is nothing here that you may see; check the address.", status=404)
FORBIDDEN = Refused(
    "forbidden", "Your role does not allow this. Ask an administrator of your organisation.", status=403
)
BAD_REQUEST = Refused(
    "bad_request", "This request could not be read. Load the page again, and send it once more.", status=400
)
FAILED = Refused("internal_error", "The server failed. Nothing was booked; please try again.", status=500)
AWAY = Refused(
    "database_away",
    "The database is away for a moment. Nothing was acknowledged; please send it again.",
    status=503,
)
RETRY_SOON = {"Retry-After": "2"}
STALE_FORM = Refused(
    "stale_form", "This page has been open too long. Load it again, then send it once more.", status=403
)


def is_api(request: HttpRequest) -> bool:
    """Whether a machine asked, and so is answered with problem details."""
    return request.path.startswith(API_PREFIX)


def problem_response(problem: Mapping[str, object], headers: Mapping[str, str] | None = None) -> HttpResponse:
    """RFC 9457 problem details; the HTTP status is the one that the problem names."""
    status = problem["status"]
    if not isinstance(status, int):
        raise TypeError("A problem names its HTTP status as an int.")
    return JsonResponse(problem, status=status, content_type=PROBLEM_TYPE, headers=headers)


def refused_page(request: HttpRequest, refusal: Refused) -> HttpResponse:
    """The page that shows the sentence; to htmx, the sentence as a toast, so that the page stays as it is."""
    if getattr(request, "htmx", False):
        response = render(request, "components/toast.html", {"refusal": refusal}, status=refusal.status)
        response["HX-Retarget"] = "#toasts"
        response["HX-Reswap"] = "beforeend"
        return response
    return render(
        request, "web/refused.html", {"refusal": refusal, "title": "Refused"}, status=refusal.status
    )


class RefusalMiddleware:
    """Answers every Refused that a view raises; all other exceptions pass. No address holds a NUL, as no row does."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\0" in request.path_info or "%00" in str(request.META.get("QUERY_STRING", "")):
            return bad_request(request, ValueError("a NUL in the address"))
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, Refused):
            return None
        if is_api(request):
            return problem_response(exception.as_problem())
        return refused_page(request, exception)


def problem_handler(exc: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """DRF's exception handler: every refusal, ours or the framework's, becomes problem details.

    Unknown exceptions answer None, and DRF raises them again. A 404 never names the object.
    """
    headers: dict[str, str] = {}
    match exc:
        case Refused():
            problem = exc.as_problem()
        case Http404() | exceptions.NotFound():
            problem = NOT_FOUND.as_problem()
        case PermissionDenied():
            problem = FORBIDDEN.as_problem()
        case exceptions.ValidationError():
            problem = _invalid(_field_errors(exc.get_full_details()))
        case ModelValidationError():
            problem = _invalid(_model_errors(exc))
        case exceptions.APIException():
            problem = _api_problem(exc)
            if challenge := getattr(exc, "auth_header", None):
                headers["WWW-Authenticate"] = challenge
            if wait := getattr(exc, "wait", None):
                headers["Retry-After"] = str(int(wait))
        case _:
            return None
    set_rollback()
    return problem_response(problem, headers)


def status_of(form: BaseForm, refused: Refused | None = None) -> int:
    """What a page with a form is answered with: as it was refused, 422 when a field is wrong, else 200."""
    if refused is not None:
        return refused.status
    return 422 if form.is_bound and form.errors else 200


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """`handler400`."""
    return _answer(request, BAD_REQUEST)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """`handler403`."""
    return _answer(request, FORBIDDEN, "403.html")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """`handler404`: the same answer for what does not exist and for what the reader may not see."""
    return _answer(request, NOT_FOUND, "404.html")


def failed(request: HttpRequest) -> HttpResponse:
    """`handler500`: a page that needs neither database nor session. 503 when it is the database that went away."""
    away = isinstance(sys.exception(), OperationalError | InterfaceError)
    refusal, headers = (AWAY, RETRY_SOON) if away else (FAILED, {})
    if is_api(request):
        return problem_response(refusal.as_problem(), headers)
    response = render(None, "500.html", {"refusal": refusal}, status=refusal.status)
    for name, value in headers.items():
        response[name] = value
    return response


def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """`CSRF_FAILURE_VIEW`: the form's token is missing or belongs to an older session."""
    return _answer(request, STALE_FORM)


def _answer(request: HttpRequest, refusal: Refused, template: str | None = None) -> HttpResponse:
    if is_api(request):
        return problem_response(refusal.as_problem())
    if template is None:
        return refused_page(request, refusal)
    return render(request, template, {"refusal": refusal}, status=refusal.status)


def _api_problem(exc: exceptions.APIException) -> dict[str, object]:
    code = exc.get_codes()
    if isinstance(exc.detail, str) and isinstance(code, str):
        return Refused(code, str(exc.detail), status=exc.status_code).as_problem()
    sentence = HTTPStatus(exc.status_code).phrase
    return Refused(exc.default_code, sentence, status=exc.status_code).as_problem()


def _invalid(errors: Iterable[dict[str, str | None]]) -> dict[str, object]:
    problem = Refused(
        "invalid", "Some fields are missing or wrong; correct those that are named.", status=400
    ).as_problem()
    return problem | {"errors": list(errors)}


def _field_errors(details: object, field: str = "") -> Iterator[dict[str, str | None]]:
    """Flatten DRF's nested details into (field path, code, sentence)."""
    match details:
        case {"message": str() as sentence, "code": str() as code}:
            yield {"field": field or None, "code": code, "sentence": str(sentence)}
        case Mapping():
            for name, inner in details.items():
                yield from _field_errors(inner, _inner_field(field, name))
        case list() | tuple():
            for position, inner in enumerate(details):
                # A list of messages is about the field itself; a list of rows names the row.
                nested = isinstance(inner, Mapping) and not ("message" in inner and "code" in inner)
                yield from _field_errors(inner, f"{field}[{position}]" if nested else field)


def _inner_field(field: str, name: object) -> str:
    if name == "non_field_errors":
        return field
    return f"{field}[{name}]" if isinstance(name, int) else f"{field}.{name}".lstrip(".")


def _model_errors(exc: ModelValidationError) -> Iterator[dict[str, str | None]]:
    by_field = exc.error_dict if hasattr(exc, "error_dict") else {"__all__": exc.error_list}
    for field, errors in by_field.items():
        for error in errors:
            for sentence in error.messages:
                name = None if field == "__all__" else field
                yield {"field": name, "code": error.code or "invalid", "sentence": sentence}
