"""Uploads that break off or never end, over a real connection: nothing of them is kept, and the answer says why."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from chipledger import base64s, manifests
from jobs.models import Job, JobInput
from ledger.models import Attachment, Blob
from portal import uploads
from portal.models import Draft
from tests.integration.api.caller import Caller
from tests.people import browse_as, person_of
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)
MODEL = "maker-a-h100"
BOUNDARY = "a-boundary-of-this-test"


def field(name: str, value: str) -> bytes:
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


def upload(browser: Client, world: World, rows: int) -> tuple[bytes, bytes]:
    """The head without its length, and the body, of what a browser sends to register a batch."""
    token = browser.get("/batches/new/").cookies["csrftoken"].value
    lines = "".join(f"{MODEL},S{number:06d}\n" for number in range(rows))
    body = (
        field("csrfmiddlewaretoken", token)
        + field("site", "fab-1")
        + field("key", world.maker.key.public.key_id)
        + f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="b.csv"\r\n'.encode()
        + f"Content-Type: text/csv\r\n\r\nmodel,serial\n{lines}\r\n--{BOUNDARY}--\r\n".encode()
    )
    session = browser.cookies[settings.SESSION_COOKIE_NAME].value
    head = (
        "POST /batches/new/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Cookie: csrftoken={token}; {settings.SESSION_COOKIE_NAME}={session}\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
    ).encode()
    return head, body


def send(
    server: LiveServer, head: bytes, body: bytes, *, announced: int, then: bytes = b"", times: int = 0
) -> str:
    """Send a body, announce another length perhaps, say that nothing more comes, and read the answer."""
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=60) as wire:
        wire.sendall(head + f"Content-Length: {announced}\r\n\r\n".encode() + body)
        for _ in range(times):
            wire.sendall(then)
        wire.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := wire.recv(65536):
            answer += piece
    return answer.decode("utf-8", "replace")


def nothing_is_kept() -> bool:
    jobs = Job.objects.filter(kind="portal.check-batch")
    return not any(rows.exists() for rows in (Draft.objects, JobInput.objects, jobs, Blob.objects))


def test_the_same_upload_is_taken_when_it_arrives_whole(world: World, live_server: LiveServer) -> None:
    head, body = upload(browse_as(person_of(world.maker)), world, 3)
    answer = send(live_server, head, body, announced=len(body))
    assert answer.startswith("HTTP/1.1 302")
    assert Draft.objects.get().fields["manifest"]["rows"] == 3


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9999], ids=str)
@pytest.mark.parametrize("rows", [2_000, 160_000], ids=["small", "beyond what is read into memory"])
def test_a_connection_lost_in_the_middle_of_a_file_leaves_nothing_half_done(
    world: World, live_server: LiveServer, kept: float, rows: int
) -> None:
    head, body = upload(browse_as(person_of(world.maker)), world, rows)
    answer = send(live_server, head, body[: int(len(body) * kept)], announced=len(body))
    assert answer.startswith("HTTP/1.1 400")
    assert "The upload broke off before its end. Nothing of it was kept; send it again." in answer
    assert nothing_is_kept()


def test_a_connection_lost_between_two_fields_leaves_nothing_either(
    world: World, live_server: LiveServer
) -> None:
    head, body = upload(browse_as(person_of(world.maker)), world, 3)
    answer = send(live_server, head, body[: body.index(b'name="file"') - 60], announced=len(body))
    assert answer.startswith("HTTP/1.1 400")
    assert "The upload broke off" in answer
    assert nothing_is_kept()


def test_serials_that_were_cut_in_their_middle_are_not_taken_for_fewer_serials(
    world: World, live_server: LiveServer
) -> None:
    head, body = upload(browse_as(person_of(world.maker)), world, 1)
    whole = body.replace(
        f"--{BOUNDARY}".encode(),
        field("model", MODEL) + field("serials", "A1..A199") + f"--{BOUNDARY}".encode(),
        1,
    )
    answer = send(live_server, head, whole[: whole.index(b"A199") + 3], announced=len(whole))
    assert answer.startswith("HTTP/1.1 400")
    assert nothing_is_kept()


def test_a_body_longer_than_announced_is_cut_where_it_should_end_and_is_refused(
    world: World, live_server: LiveServer
) -> None:
    head, body = upload(browse_as(person_of(world.maker)), world, 2_000)
    answer = send(live_server, head, body, announced=len(body) // 2)
    assert answer.startswith("HTTP/1.1 400")
    assert nothing_is_kept()


def test_ten_gigabytes_are_cut_off_at_the_limit_long_before_their_end(
    world: World, live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MAX_BYTES", 1 << 20)
    head, body = upload(browse_as(person_of(world.maker)), world, 3)
    begun = body[: body.rindex(b"\r\n--")]
    piece = b"maker-a-h100,FILLER\n" * 5_000
    answer = send(live_server, head, begun, announced=10 << 30, then=piece, times=30)
    assert answer.startswith("HTTP/1.1 413")
    assert "A file has at most 1 MiB; send a smaller one." in answer
    assert manifests.MAX_BYTES == 512 << 20
    assert nothing_is_kept()


@pytest.mark.parametrize("path", ["manifests", "attachments"])
def test_of_a_file_that_a_program_sends_in_part_nothing_is_kept(
    live_server: LiveServer, world: World, path: str
) -> None:
    kind = {"manifests": "text/csv", "attachments": "application/octet-stream"}[path]
    head = (
        f"POST /api/v1/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Authorization: Bearer {Caller(world.maker).secret}\r\n"
        f"Manifest-Secret: {base64s.encode(bytes(32))}\r\nContent-Type: {kind}\r\n"
    ).encode()
    answer = send(live_server, head, b"maker,serial\n" * 1000, announced=1_000_000)
    assert answer.startswith("HTTP/1.1 400"), answer
    assert "broke off before its end" in answer
    assert not Blob.objects.exists()
    assert not Attachment.objects.exists()
