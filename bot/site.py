"""The page at `/` and the widget's files: static, read once, with a strict Content-Security-Policy."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine
from pathlib import Path

from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse, raw

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


def site_blueprint(*, is_demonstration: bool) -> Blueprint:
    """The routes.

    Args:
        is_demonstration: Whether the page says that its classes are made up.
    """
    blueprint = Blueprint("site")
    page = (FOLDER / "index.html").read_text(encoding="utf-8")
    if is_demonstration:
        notice = (FOLDER / "sample-notice.html").read_text(encoding="utf-8")
        page = page.replace(SAMPLE_NOTICE, notice)
    headers = {"Content-Security-Policy": PAGE_POLICY, "Referrer-Policy": "no-referrer"}
    blueprint.add_route(
        _serve(page.encode(), "text/html; charset=utf-8", headers), "/", name="page"
    )
    for route, (file, content_type) in FILES.items():
        # Any website may load the widget; what it may ask of the API is another matter.
        cross_origin = {"Cross-Origin-Resource-Policy": "cross-origin"}
        content = (FOLDER / file).read_bytes()
        blueprint.add_route(_serve(content, content_type, cross_origin), route, name=route[1:])
    return blueprint


def _serve(
    content: bytes, content_type: str, headers: dict[str, str]
) -> Callable[[Request], Coroutine[None, None, HTTPResponse]]:
    """A handler that answers with the content, or with 304 where a browser has it already."""
    tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    headers = {
        **headers,
        "ETag": tag,
        "Cache-Control": "no-cache",
        "X-Content-Type-Options": "nosniff",
    }

    async def answer(request: Request) -> HTTPResponse:
        if request.headers.get("if-none-match") == tag:
            return HTTPResponse(status=304, headers=headers)
        return raw(content, content_type=content_type, headers=headers)

    return answer
