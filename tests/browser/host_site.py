"""A website of somebody else: its pages, its policy, and if need be a proxy in front of the assistant."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

POLICY = (
    "default-src 'none'; script-src {chat}; style-src 'self'; connect-src {chat}; img-src 'self' data:; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>A host page</title>
<link rel="icon" href="data:,"><h1>A host page</h1>{tags}"""


class HostSite:
    """Serves one page, with the policy that `docs/embedding.md` tells to set.

    Args:
        tags: What the page has of the chat.
        chat: The chat's origin, as the policy names it.
        port: Where to stand; by default anywhere.
        proxied: The assistant's address, for everything under `/chat/`.
    """

    def __init__(self, tags: str, chat: str, *, port: int = 0, proxied: str = "") -> None:
        page, policy = PAGE.format(tags=tags).encode(), POLICY.format(chat=chat)

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                if proxied and self.path.startswith("/chat/"):
                    self.pass_on()
                    return
                self.send_response(200 if self.path == "/" else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Security-Policy", policy)
                self.end_headers()
                self.wfile.write(page if self.path == "/" else b"")

            do_GET = do_POST = do_DELETE = handle_any

            def pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                kept = ("Authorization", "Content-Type", "Origin")
                headers = {name: self.headers[name] for name in kept if name in self.headers}
                answer = httpx.request(
                    self.command,
                    proxied + self.path.removeprefix("/chat"),
                    content=body,
                    headers=headers,
                    timeout=30,
                )
                self.send_response(answer.status_code)
                self.send_header("Content-Type", answer.headers.get("Content-Type", "text/plain"))
                self.end_headers()
                self.wfile.write(answer.content)

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing: a test that fails shows what it found."""

        self._http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
