"""A stand-in for the assistant's server: the web chat API with scripted answers.

It exists for what the real server can't be asked to do on cue: fail, be slow, lose a response it
has already acted on, forget a session. It also serves the demo page and the widget as the real
server does, under the strictest policy a host site may have. What the assistant knows isn't here:
answers are what a test puts into `answers`. What it sends is held against the API's description, so
that it can't drift away from the real server.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

WIDGET = Path(__file__).parents[2] / "widget"
API = "/api/chat/v1/"
STRICT_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
FILES = {
    "/widget.js": ("nasro-chat.min.js", "text/javascript; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
LAUNCHER_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>A host page</title>
<link rel="icon" href="/icon.svg"><script src="/widget.js" defer></script>
<main><h1>A host page</h1><p><a href="#somewhere">A link of the page</a></p>
{paragraphs}</main>
<nasro-chat></nasro-chat>""".replace("{paragraphs}", "<br>\n" * 60)

DESCRIPTION = yaml.safe_load((WIDGET.parent / "bot/webchat/openapi.yaml").read_text("utf-8"))

CARD = {"subtitle": None, "fields": [], "url": None}
"""What a card has at least, besides its title."""

Message = dict[str, Any]


@dataclass
class Failure:
    """How the next request to a path goes wrong."""

    status: int = 503
    message: str = ""
    retry_after: int | None = None
    is_lost: bool = False
    """The server acts on the request, and the response is cut off on its way."""


@dataclass
class Request:
    method: str
    path: str
    token: str | None
    body: dict[str, Any]
    at: float


@dataclass
class Conversation:
    messages: list[Message] = field(default_factory=list)
    answered: dict[str, list[Message]] = field(default_factory=dict)
    member: str | None = None


class StandInServer:
    """Serves the page, the widget and the API on a free port until it is stopped."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Message]] = {}
        """What is answered to a text or a payload; anything else is echoed."""
        self.welcome: Message = {
            "text": "Hello! What would you like to know?",
            "buttons": [
                {"title": "Show classes near me", "payload": "/find_classes"},
                {"title": "How do I register?", "payload": "/faq_register"},
            ],
        }
        self.failures: dict[str, list[Failure]] = {}
        self.identities: dict[str, str] = {}
        """The website's tokens that prove something, and the masked addresses they prove."""
        self.delay = 0.0
        """Seconds before each answer to a message, and before each failure."""
        self.requests: list[Request] = []
        self.conversations: dict[str, Conversation] = {}
        self.renewed: dict[str, str] = {}
        """Tokens that were given out at a sign-in and not used yet, and those they take the place of."""
        self.feedback: list[dict[str, Any]] = []
        self.pages: dict[str, str] = {
            "/": (WIDGET / "index.html").read_text("utf-8"),
            "/host": LAUNCHER_PAGE,
        }
        self.sent: list[tuple[Request, int, Any]] = []
        self.texts: dict[str, str] = {}
        """Style sheets and scripts of host pages, by path."""
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        stand_in = self

        class Handler(_Handler):
            server_of = stand_in

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def fail_next(self, call: str, failure: Failure) -> None:
        """Makes the next request to "sessions", "messages" or "feedback" go wrong."""
        self.failures.setdefault(call, []).append(failure)

    def end_all_sessions(self) -> None:
        """Every token given out so far is answered with 401 from now on."""
        self.conversations.clear()

    def calls(self, method: str, call: str) -> list[Request]:
        """The requests of one kind that arrived, failed ones included."""
        return [r for r in self.requests if r.method == method and r.path == API + call]

    def add(self, conversation: Conversation, text: str, answer: str) -> None:
        """Makes an exchange a part of a conversation, as if it had taken place."""
        conversation.messages += [
            self._message({"text": text}, sender="user"),
            self._message({"text": answer, "buttons": self.welcome["buttons"]}),
        ]

    def contradictions(self) -> list[str]:
        """What it sent and the real server wouldn't, by the API's description."""
        return [said for sent in self.sent for said in _contradictions(*sent)]

    # ------------------------------------------------------------------ The API

    def answer(self, request: Request) -> tuple[int, Any]:
        """One API call: status and JSON."""
        call = request.path.removeprefix(API)
        identity = request.body.get("identity_token")
        if identity is not None and identity not in self.identities:
            return 401, _error("identity_refused", "We couldn't sign you in.")
        if (request.method, call) == ("POST", "sessions"):
            token = f"token-{next(self._numbers)}"
            with self._lock:
                conversation = Conversation(member=self.identities.get(identity or ""))
                conversation.messages.append(self._message(self.welcome))
                self.conversations[token] = conversation
            return 201, {
                "token": token,
                "expires_at": "2099-01-01T00:00:00Z",
                "messages": conversation.messages[:1],
                "member": conversation.member,
            }
        if before := self.renewed.pop(request.token or "", None):
            self.conversations[request.token or ""] = self.conversations.pop(before)
        conversation_or_none = self.conversations.get(request.token or "")
        if conversation_or_none is None:
            return 401, _error("session_invalid", "The conversation has ended.")
        conversation = conversation_or_none
        if (request.method, call) == ("POST", "identity"):
            if conversation.member not in (None, self.identities[identity]):
                return 409, _error("other_member", "This chat belongs to another member.")
            renewed = {}
            if conversation.member is None and request.token:
                renewed["token"] = f"{request.token}-renewed"
                self.renewed[renewed["token"]] = request.token
            conversation.member = self.identities[identity]
            return 200, {"member": conversation.member, **renewed}
        if (request.method, call) == ("GET", "messages"):
            return 200, {"messages": conversation.messages, "member": conversation.member}
        if (request.method, call) == ("POST", "messages"):
            time.sleep(self.delay)
            if request.body.get("text") == "sign out":
                conversation.member = None
            said = self._say(conversation, request.body)
            return 200, {"messages": said, "member": conversation.member}
        if (request.method, call) == ("POST", "feedback"):
            self.feedback.append(request.body)
            return 204, None
        if (request.method, call) == ("DELETE", "sessions"):
            del self.conversations[request.token or ""]
            return 204, None
        return 404, _error("not_found", "There is no such call.")

    def _say(self, conversation: Conversation, body: dict[str, Any]) -> list[Message]:
        with self._lock:
            client_id = body["client_id"]
            if client_id in conversation.answered:
                return conversation.answered[client_id]
            said = body.get("payload") or body["text"]
            offered = {
                button["payload"]: button["title"]
                for message in conversation.messages
                for button in message["buttons"]
            }
            text = offered[said] if "payload" in body else said
            answers = self.answers.get(said) or [{"text": f"You said: {text}"}]
            asked = self._message({"text": text, "id": client_id}, sender="user")
            conversation.messages.append(asked)
            given = [self._message(answer) for answer in answers]
            conversation.messages += given
            conversation.answered[client_id] = given
            return given

    def _message(self, parts: Message, sender: str = "assistant") -> Message:
        return {
            "id": f"m{next(self._numbers)}",
            "from": sender,
            "at": "2026-11-23T15:04:05Z",
            "text": "",
            "buttons": [],
            "cards": [],
            "links": [],
            "source": None,
            "as_of": None,
            **parts,
        }


class _Handler(BaseHTTPRequestHandler):
    server_of: StandInServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server = self.server_of
        if self.path.startswith(API):
            self._call()
        elif self.path in server.pages:
            self._send(200, server.pages[self.path].encode(), "text/html; charset=utf-8")
        elif self.path in server.texts:
            kind = "text/javascript" if self.path.endswith(".js") else "text/css"
            self._send(200, server.texts[self.path].encode(), f"{kind}; charset=utf-8")
        elif self.path in FILES:
            name, kind = FILES[self.path]
            self._send(200, (WIDGET / name).read_bytes(), kind)
        else:
            self._send(404, b"", "text/plain")

    def do_POST(self) -> None:
        self._call()

    def do_DELETE(self) -> None:
        self._call()

    def _call(self) -> None:
        server = self.server_of
        length = int(self.headers.get("Content-Length") or 0)
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None
        body = json.loads(self.rfile.read(length) or b"{}")
        request = Request(self.command, self.path, token, body, time.monotonic())
        server.requests.append(request)
        planned = server.failures.get(self.path.removeprefix(API))
        failure = planned.pop(0) if planned else None
        if failure and not failure.is_lost:
            time.sleep(server.delay)
            extra = {"Retry-After": str(failure.retry_after)} if failure.retry_after else {}
            error = _error("temporarily_unavailable", failure.message)
            self._send(failure.status, json.dumps(error).encode(), "application/json", extra)
            return
        status, answer = server.answer(request)
        server.sent.append((request, status, answer))
        given = b"" if answer is None else json.dumps(answer).encode()
        if failure:
            # Closed without a byte, Chromium would quietly send the request again.
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + given[:20])
            self.close_connection = True
            return
        self._send(status, given, "application/json")

    def _send(
        self, status: int, body: bytes, kind: str, extra: dict[str, str] | None = None
    ) -> None:
        self.send_response(HTTPStatus(status))
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", STRICT_CSP)
        for name, value in (extra or {}).items():
            self.send_header(name, value)
        with contextlib.suppress(ConnectionError):  # a page that was closed waits no longer
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: a test that fails shows what it found."""


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def _contradictions(request: Request, status: int, answer: Any) -> list[str]:
    """Where an answer isn't what the API's description says, in words."""
    described = DESCRIPTION["paths"].get(request.path, {}).get(request.method.lower(), {})
    response = described.get("responses", {}).get(str(status))
    if response is None:
        return [f"{request.method} {request.path} never gives {status}"]
    while "$ref" in response:
        *_, kind, name = response["$ref"].split("/")
        response = DESCRIPTION["components"][kind][name]
    if "content" not in response:
        return [] if answer is None else [f"{request.method} {request.path} gives no body"]
    schema = response["content"]["application/json"]["schema"]
    validator = Draft202012Validator({**schema, "components": DESCRIPTION["components"]})
    return [error.message for error in validator.iter_errors(answer)]
