"""The page and its files: packed, kept as long as they may be, and the same whoever asks."""

from __future__ import annotations

import gzip
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from bot.site import FILES, FOLDER, site_blueprint


@pytest.fixture(params=[False, True], ids=["production", "demonstration"])
def is_demonstration(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
async def site(serving: Any, is_demonstration: bool) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serving(site_blueprint(is_demonstration=is_demonstration)) as port,
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}",
            trust_env=False,
            headers={"Accept-Encoding": "identity"},
        ) as http,
    ):
        yield http


async def bytes_of(http: httpx.AsyncClient, path: str, accepted: str) -> tuple[bytes, Any]:
    """The body as it travels, and the headers."""
    async with http.stream("GET", path, headers={"Accept-Encoding": accepted}) as response:
        assert response.status_code == 200
        return b"".join([part async for part in response.aiter_raw()]), response.headers


@pytest.mark.parametrize("path", ["/", *FILES])
@pytest.mark.parametrize(
    ("accepted", "is_packed"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("deflate, gzip;q=1.0, *;q=0.5", True),
        ("gzip;q=0", False),
        ("br, gzip; q=0.0", False),
        ("identity", False),
        ("", False),
    ],
)
async def test_it_is_packed_for_who_takes_that(
    site: httpx.AsyncClient, path: str, accepted: str, is_packed: bool
) -> None:
    plain, plain_headers = await bytes_of(site, path, "identity")
    body, headers = await bytes_of(site, path, accepted)

    assert (headers.get("content-encoding") == "gzip") is is_packed
    assert (gzip.decompress(body) if is_packed else body) == plain
    assert headers["vary"] == "Accept-Encoding"
    assert (headers["etag"] == plain_headers["etag"]) is not is_packed, (
        "they are not the same bytes"
    )


@pytest.mark.parametrize("path", ["/", *FILES])
async def test_what_a_browser_has_is_not_sent_again(site: httpx.AsyncClient, path: str) -> None:
    tag = (await site.get(path)).headers["etag"]

    for held in (tag, f'"other", W/{tag}', "*"):
        again = await site.get(path, headers={"If-None-Match": held})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["cache-control"]
    assert (await site.get(path, headers={"If-None-Match": '"other"'})).status_code == 200
    head = await site.head(path)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", tag)


async def test_the_pages_files_are_kept_for_ever_by_their_version(
    site: httpx.AsyncClient, is_demonstration: bool
) -> None:
    page = await site.get("/")
    named = re.findall(r'(?:src|href)="([a-z.]+\?v=\w+)"', page.text)

    assert page.headers["cache-control"] == "no-cache"
    assert {name.partition("?")[0] for name in named} == {route[1:] for route in FILES}
    for address in named:
        assert "immutable" in (await site.get(f"/{address}")).headers["cache-control"]
        # A page of another version must not fill a cache for a year.
        for other in (f"/{address}0", f"/{address.partition('?')[0]}"):
            kept = "no-cache" if is_demonstration else "public, max-age=600"
            assert (await site.get(other)).headers["cache-control"] == kept


async def test_the_file_is_the_folders(site: httpx.AsyncClient) -> None:
    script = await site.get("/widget.js")

    assert script.content == (FOLDER / "nasro-chat.min.js").read_bytes()
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert script.headers["cross-origin-resource-policy"] == "cross-origin"
