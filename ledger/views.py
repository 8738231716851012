"""The public log: checkpoint, tiles and proofs, in the formats of C2SP tlog-tiles."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from chipledger import base64s
from chipledger.refusals import Refused
from chipledger.tiles import TileName
from ledger import log
from ledger.log_key import note_key

FOREVER = "public, max-age=31536000, immutable"
BRIEFLY = "public, max-age=1"


@require_safe
def checkpoint(request: HttpRequest) -> HttpResponse:
    """The newest signed checkpoint."""
    newest = log.latest_checkpoint()
    if newest is None:
        raise Refused("no_checkpoint", "The log has not begun; try again once it has.", status=404)
    return HttpResponse(
        newest.note, content_type="text/plain; charset=utf-8", headers={"Cache-Control": BRIEFLY}
    )


@require_safe
def verifier_key(request: HttpRequest) -> HttpResponse:
    """The log's public key in the form that verifiers configure."""
    return HttpResponse(note_key().vkey + "\n", content_type="text/plain; charset=utf-8")


@require_safe
def tile(request: HttpRequest, path: str) -> HttpResponse:
    """A tile of hashes or a bundle of entries, full or partial, as far as the newest checkpoint reaches."""
    try:
        name = TileName.parse(f"tile/{path}")
    except Refused as refused:
        refused.status = 404
        raise
    newest = log.latest_checkpoint()
    size = newest.size if newest else 0
    level = name.level or 0
    if (name.index * log.WIDTH + name.width) << (8 * level) > size:
        raise log.no_such_tile()
    if name.level is None:
        data = log.entry_bundle(name.index, name.width)
    else:
        data = log.tile_hashes(level, name.index, size)[: name.width * 32]
    caching = FOREVER if name.width == log.WIDTH else BRIEFLY
    return HttpResponse(data, content_type="application/octet-stream", headers={"Cache-Control": caching})


@require_safe
def consistency(request: HttpRequest) -> HttpResponse:
    """The proof, one base64 hash a line, that the log at ``new`` extends the log at ``old``."""
    try:
        old, new = int(request.GET["old"]), int(request.GET["new"])
    except (KeyError, ValueError):
        raise Refused("bad_size", "Give the sizes `old` and `new` as whole numbers.", status=400) from None
    proof = log.consistency(old, new)
    return HttpResponse(
        "".join(f"{base64s.encode(each)}\n" for each in proof), content_type="text/plain; charset=utf-8"
    )
