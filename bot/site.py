"""The page at `/` and the widget's files: static, packed once, with a strict Content-Security-Policy.

The page names its files with their version (`widget.js?v=…`), and under that address they may be kept
for ever. Other websites name the widget without one: there a browser asks again after ten minutes.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path

from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse

import widget

FOLDER = Path(widget.__file__).parent

FILES = {
    "/widget.js": ("nasro-chat.min.js", "text/javascript; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
SAMPLE_NOTICE = "<!-- sample-notice -->"

ASK_AGAIN = "no-cache"
TEN_MINUTES = "public, max-age=600"
FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class StaticFile:
    """What a route answers with, whole or not at all where a browser has it already."""

    content: bytes
    content_type: str
    headers: dict[str, str]
    """Of every answer."""
    caching: str = ASK_AGAIN
    """How long it may be kept where its version isn't asked for."""
    version: str = field(init=False)
    packed: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha256(self.content).hexdigest()[:20]
        object.__setattr__(self, "version", digest)
        object.__setattr__(self, "packed", gzip.compress(self.content, 9, mtime=0))

    def answer(self, request: Request) -> HTTPResponse:
        is_packed = _takes_gzip(request.headers.get("accept-encoding", ""))
        tag = f'"{self.version}{"-gzip" * is_packed}"'
        is_version = request.args.get("v") == self.version
        headers = {
            **self.headers,
            "ETag": tag,
            "Vary": "Accept-Encoding",
            "Cache-Control": FOR_EVER if is_version else self.caching,
            "X-Content-Type-Options": "nosniff",
        }
        if self._is_held(request.headers.get("if-none-match", "")):
            return HTTPResponse(status=304, headers=headers)
        if is_packed:
            headers["Content-Encoding"] = "gzip"
        content = self.packed if is_packed else self.content
        return HTTPResponse(content, headers=headers, content_type=self.content_type)

    def _is_held(self, tags: str) -> bool:
        # A proxy that packs or unpacks makes a tag weak; the file is the same.
        return tags.strip() == "*" or bool(re.search(rf'"{self.version}(-gzip)?"', tags))


def site_blueprint(*, is_demonstration: bool) -> Blueprint:
    """The routes.

    Args:
        is_demonstration: Whether the page says that its classes are made up. Then nothing is kept
            without being asked for again, so that whoever changes the widget sees it.
    """
    blueprint = Blueprint("site")
    page = (FOLDER / "index.html").read_text(encoding="utf-8")
    if is_demonstration:
        notice = (FOLDER / "sample-notice.html").read_text(encoding="utf-8")
        page = page.replace(SAMPLE_NOTICE, notice)
    for route, (name, content_type) in FILES.items():
        file = StaticFile(
            (FOLDER / name).read_bytes(),
            content_type,
            # Any website may load the widget; what it may ask of the API is another matter.
            {"Cross-Origin-Resource-Policy": "cross-origin"},
            ASK_AGAIN if is_demonstration else TEN_MINUTES,
        )
        blueprint.add_route(_route(file), route, methods=["GET", "HEAD"], name=route[1:])
        page = re.sub(rf'((?:src|href)="{route[1:]})"', rf'\1?v={file.version}"', page)
    headers = {"Content-Security-Policy": PAGE_POLICY, "Referrer-Policy": "no-referrer"}
    whole = StaticFile(page.encode(), "text/html; charset=utf-8", headers)
    blueprint.add_route(_route(whole), "/", methods=["GET", "HEAD"], name="page")
    return blueprint


def _route(file: StaticFile) -> Callable[[Request], Coroutine[None, None, HTTPResponse]]:
    async def answer(request: Request) -> HTTPResponse:
        return file.answer(request)

    return answer


def _takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header names gzip, other than to turn it down."""
    for item in accepted.split(","):
        name, _, weight = item.partition(";")
        if name.strip().lower() == "gzip":
            return not re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight)
    return False
