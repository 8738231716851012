"""Bad requests: whatever is wrong, the answer is problem details with a stable code, and nothing large is read."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from django.db import OperationalError
from django.test import RequestFactory

from tests.integration.api.caller import Caller, problem_of, refused
from tests.world import World
from web.refusals import failed

pytestmark = pytest.mark.django_db
TEN_GB = 10 * 2**30


@pytest.fixture
def maker(world: World) -> Caller:
    return Caller(world.maker)


class Endless(BytesIO):
    """A body that must not be read."""

    def read(self, *_: Any) -> bytes:
        raise AssertionError("the body was read")

    readline = read


@pytest.mark.parametrize("path", ["/statements", "/statements/batch", "/nonces", "/applications"])
def test_a_body_of_ten_gigabytes_is_refused_before_it_is_read(maker: Caller, path: str) -> None:
    told = {"CONTENT_LENGTH": str(TEN_GB), "wsgi.input": Endless()}
    assert refused(maker.post(path, b"{}", **told)) == (413, "too_large")


def test_a_manifest_of_ten_gigabytes_is_refused_before_it_is_read(maker: Caller) -> None:
    told = {"CONTENT_LENGTH": str(TEN_GB), "wsgi.input": Endless()}
    assert refused(maker.post("/manifests", content_type="text/csv", **told)) == (413, "too_large")


@pytest.mark.parametrize("path", ["/statements", "/manifests"])
def test_a_body_of_unknown_length_is_refused(maker: Caller, path: str) -> None:
    kind = "text/csv" if path == "/manifests" else "application/json"
    told = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": Endless()}
    assert refused(maker.post(path, content_type=kind, **told)) == (411, "length_required")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "json_malformed"),
        (b"{", "json_malformed"),
        (b"[]", "json_not_an_object"),
        (b'{"site":"a","site":"b"}', "json_duplicate_key"),
        (b'{"site":1.5}', "json_float"),
        (b"\xff\xfe{}", "json_bom"),
        (b'"\xff"', "json_not_utf8"),
        (b'{"a":' * 100_000, "json_too_deep"),
    ],
    ids=["empty", "cut", "list", "duplicate", "float", "mark", "encoding", "deep"],
)
@pytest.mark.parametrize("path", ["/statements", "/statements/batch", "/nonces"])
def test_malformed_json_is_refused_by_code(maker: Caller, path: str, body: bytes, code: str) -> None:
    if path == "/nonces" and not body:
        code = "invalid"  # no body at all is a form without fields
    assert problem_of(maker.post(path, body))["code"] == code


def test_every_framework_answer_is_problem_details_too(world: World, maker: Caller) -> None:
    nobody = Caller(None)
    assert refused(nobody.get("/chips")) == (401, "not_authenticated")
    assert refused(nobody.get("/no/such/place")) == (404, "not_found")
    assert refused(maker.get("/no/such/place")) == (404, "not_found")
    assert refused(maker.get("/statements/nothex")) == (404, "not_found")
    assert refused(maker.request("DELETE", "/statements")) == (405, "method_not_allowed")
    assert refused(maker.request("PUT", "/nonces")) == (405, "method_not_allowed")
    assert refused(maker.post("/nonces", b"<a/>", content_type="text/xml")) == (415, "unsupported_media_type")
    assert refused(maker.post("/manifests", b"{}")) == (415, "unsupported_media_type")


@pytest.mark.parametrize("accept", ["text/html", "text/plain", "application/xml", "nonsense"])
def test_an_address_answers_in_its_one_format_whatever_is_asked(maker: Caller, accept: str) -> None:
    answer = maker.get("/chips", headers={"accept": accept})
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert refused(maker.get("/nothing", headers={"accept": accept})) == (404, "not_found")


def test_missing_fields_are_named_each(maker: Caller) -> None:
    problem = problem_of(maker.post("/nonces", {}))
    assert (problem["status"], problem["errors"][0]["field"]) == (400, "site")


@pytest.mark.parametrize("secret", ["", "c2hvcnQ=", "%%%"])
def test_a_manifest_without_a_good_secret_is_not_kept(maker: Caller, secret: str) -> None:
    answer = maker.post("/manifests", b"chip\n", "text/csv", headers={"Manifest-Secret": secret})
    assert answer.status_code == 422
    assert problem_of(answer)["field"] == "Manifest-Secret"


def test_an_empty_manifest_is_not_kept(maker: Caller) -> None:
    answer = maker.post("/manifests", b"", "text/csv", headers={"Manifest-Secret": "A" * 43 + "="})
    assert refused(answer) == (422, "manifest_empty")


@pytest.mark.parametrize(
    ("path", "kind"), [("/api/v1/chips", "application/problem+json"), ("/", "text/html")]
)
def test_a_database_that_is_away_is_said_with_a_time_to_come_again(path: str, kind: str) -> None:
    try:
        raise OperationalError("server closed the connection unexpectedly")
    except OperationalError:
        answer = failed(RequestFactory().get(path))
    assert answer.status_code == 503
    assert answer["Retry-After"] == "2"
    assert answer["Content-Type"].startswith(kind)


def test_a_failure_of_ours_tells_nothing_about_itself() -> None:
    try:
        raise RuntimeError("secret")
    except RuntimeError:
        answer = failed(RequestFactory().get("/api/v1/chips"))
    assert answer.status_code == 500
    assert b"secret" not in answer.content
