"""Who may talk to the studio: pages that it served itself, from this machine, with bodies of a bounded size."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MOST_BODY = 16 * 2**20  # bytes of a request
# Nothing is fetched from elsewhere: not by us, and not by what somebody made us show.
POLICY = (
    "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'self'"
)
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
]


class Guards:
    """ASGI middleware that checks Host and Origin, bounds bodies, and says what a page may fetch.

    A page elsewhere in the same browser can send requests to 127.0.0.1, by its own name even (DNS rebinding): the Host
    tells the second, the Origin the first.

    Args:
        app: what is guarded.
        port: of the studio.
        hosts: names that it goes by.
    """

    def __init__(self, app: Any, port: int, hosts: tuple[str, ...] = ("127.0.0.1", "localhost")) -> None:
        self.app = app
        self.allowed = {f"{host}:{port}" for host in hosts} | ({*hosts} if port == 80 else set())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on what may pass."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name.lower(): value for name, value in scope["headers"]}
        refused = self.refused(headers)
        if scope["type"] == "websocket":
            if refused:
                await receive()  # the handshake that is refused
                await send({"type": "websocket.close", "code": 1008, "reason": refused[1]})
            else:
                await self.app(scope, receive, send)
            return
        if refused:
            await _answer(send, *refused)
            return
        await self.app(scope, _bounded(receive), _marked(send))

    def refused(self, headers: MutableMapping[bytes, bytes]) -> tuple[int, str] | None:
        """Status and reason of what may not pass; None for what may.

        >>> Guards(None, 8000).refused({b"host": b"evil.example:8000"})
        (421, 'This studio is at 127.0.0.1:8000, localhost:8000.')
        """
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if host not in self.allowed:
            return 421, f"This studio is at {', '.join(sorted(self.allowed))}."
        origin = headers.get(b"origin")
        if origin is not None:
            found = urlsplit(origin.decode("latin-1").lower())
            if found.scheme != "http" or found.netloc not in self.allowed:
                return 403, "Only the studio's own pages may send this."
        if headers.get(b"sec-fetch-site") == b"cross-site" and headers.get(b"sec-fetch-dest") != b"document":
            return 403, "Pages elsewhere may link to the studio, and no more."
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > MOST_BODY:
            return 413, f"At most {MOST_BODY // 2**20} MiB are taken."
        return None


def _bounded(receive: Receive) -> Receive:
    """What reads a body, and ends where it is too long: a body need not say its length, or say it truly."""
    taken = 0

    async def read() -> MutableMapping[str, Any]:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        return message if taken <= MOST_BODY else {"type": "http.disconnect"}

    return read


def _marked(send: Send) -> Send:
    async def write(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *HEADERS]
        await send(message)

    return write


async def _answer(send: Send, status: int, reason: str) -> None:
    body = reason.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
