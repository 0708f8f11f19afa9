"""A small OpenID Connect provider with real keys, as a server of its own, for one client.

Whoever comes to its authorization page is sent back at once, as the person that `person` says. What it
signs can be bent for one sign-in (`bent`), to see that it isn't believed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

CLIENT_ID = "nasro staff/1"
CLIENT_SECRET = "a secret: with %signs & such"


@dataclass
class Key:
    """A pair of keys, RSA or EC."""

    algorithm: str
    kid: str = field(default_factory=lambda: secrets.token_hex(4))

    def __post_init__(self) -> None:
        self.private: Any = (
            rsa.generate_private_key(public_exponent=65537, key_size=2048)
            if self.algorithm.startswith("RS")
            else ec.generate_private_key(ec.SECP256R1())
        )

    def as_jwk(self) -> dict[str, Any]:
        kind: Any = RSAAlgorithm if self.algorithm.startswith("RS") else ECAlgorithm
        public = kind.to_jwk(self.private.public_key(), as_dict=True)
        return {**public, "kid": self.kid, "use": "sig", "alg": self.algorithm}


@dataclass
class Begun:
    """A sign-in between its redirect and its code's redemption."""

    redirect_uri: str
    challenge: str
    claims: dict[str, Any]


class OpenIdProvider:
    """Answers on a port of this machine until it is closed."""

    def __init__(self) -> None:
        self.keys = [Key("RS256")]
        self.person: dict[str, Any] = {"email": "jane@example.org", "email_verified": True}
        self.bent: dict[str, Any] = {}
        """How the next ID tokens are wrong; see `_signed`."""
        self.asked: list[str] = []
        """Paths, in order."""
        self._begun: dict[str, Begun] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def rotate(self, algorithm: str = "RS256") -> None:
        """Signs with a new key from now on."""
        self.keys = [Key(algorithm)]

    # The endpoints --------------------------------------------------------------------------------

    def _description(self) -> dict[str, Any]:
        return {
            "issuer": self.bent.get("describes", self.issuer),
            "authorization_endpoint": f"{self.issuer}/authorize?tenant=1",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "token_endpoint_auth_methods_supported": self.bent.get(
                "methods", ["client_secret_post", "client_secret_basic"]
            ),
        }

    def _authorize(self, asked: dict[str, str]) -> str:
        """Where the browser is sent back to."""
        assert asked["tenant"] == "1"
        assert (asked["client_id"], asked["response_type"]) == (CLIENT_ID, "code")
        assert set(asked["scope"].split()) == {"openid", "email"}
        assert asked["code_challenge_method"] == "S256"
        back = asked["redirect_uri"]
        answer = {"state": asked["state"], "iss": self.bent.get("sent_iss", self.issuer)}
        if error := self.bent.get("error"):
            return f"{back}?{urlencode({**answer, 'error': error})}"
        code = secrets.token_urlsafe(400)  # some are as long as that
        now = int(time.time())
        self._begun[code] = Begun(
            back,
            asked["code_challenge"],
            {
                "iss": self.issuer,
                "sub": "4711",
                "aud": CLIENT_ID,
                "iat": now,
                "exp": now + 300,
                "nonce": asked["nonce"],
                **self.person,
            },
        )
        return f"{back}?{urlencode({**answer, 'code': code})}"

    def _token(self, asked: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        client = (asked.get("client_id"), asked.get("client_secret"))
        if authorization.startswith("Basic "):
            both = base64.b64decode(authorization[6:]).decode().split(":")
            client = (unquote_plus(both[0]), unquote_plus(both[1]))
        if client != (CLIENT_ID, self.bent.get("secret", CLIENT_SECRET)):
            return 401, {"error": "invalid_client"}
        begun = self._begun.pop(asked["code"], None)
        hashed = hashlib.sha256(asked["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()
        if not begun or (begun.redirect_uri, begun.challenge) != (asked["redirect_uri"], challenge):
            return 400, {"error": "invalid_grant"}
        return 200, {"token_type": "Bearer", "id_token": self._signed(begun.claims)}

    def _signed(self, claims: dict[str, Any]) -> str:
        """The ID token; `bent` may hold other `claims` (null: none), a `key` and an `algorithm`."""
        key = self.keys[0]
        for name, value in self.bent.get("claims", {}).items():
            if name in ("exp", "iat", "nbf") and value is not None:
                value = int(time.time()) + value
            claims = {**claims, name: value}
        claims = {name: value for name, value in claims.items() if value is not None}
        algorithm = self.bent.get("algorithm", key.algorithm)
        headers = {"kid": self.bent.get("kid", key.kid)}
        headers = {name: value for name, value in headers.items() if value is not None}
        if algorithm == "none":
            return jwt.encode(claims, None, algorithm="none", headers=headers)
        if algorithm.startswith("HS"):
            # By what an attacker knows as well: the key that everybody may read, or the client's secret.
            public = base64.b64encode(json.dumps(key.as_jwk()).encode()).decode()
            shared = CLIENT_SECRET.ljust(32) if self.bent.get("key") == "secret" else public
            return jwt.encode(claims, shared, algorithm=algorithm, headers=headers)
        private = Key(key.algorithm).private if self.bent.get("key") == "other" else key.private
        return jwt.encode(claims, private, algorithm=algorithm, headers=headers)

    def _handler(provider) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                address = urlsplit(self.path)
                provider.asked.append(address.path)
                asked = {name: values[0] for name, values in parse_qs(address.query).items()}
                if address.path == "/.well-known/openid-configuration":
                    self._say(200, provider._description())
                elif address.path == "/keys":
                    self._say(200, {"keys": [key.as_jwk() for key in provider.keys]})
                elif address.path == "/authorize":
                    self.send_response(302)
                    self.send_header("Location", provider._authorize(asked))
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                else:
                    self._say(404, {})

            def do_POST(self) -> None:
                provider.asked.append(self.path)
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                asked = {name: values[0] for name, values in parse_qs(body).items()}
                self._say(*provider._token(asked, self.headers.get("Authorization", "")))

            def _say(self, status: int, answer: dict[str, Any]) -> None:
                if how := provider.bent.get("answers"):
                    status, text = how
                else:
                    text = json.dumps(answer)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: Any) -> None:
                """Nothing: it would quote codes."""

        return Handler
