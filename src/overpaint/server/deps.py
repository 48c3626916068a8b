"""What handlers ask of a request: the service, whose it is, its id, and how it named the server."""

from __future__ import annotations

import re
from typing import Annotated, cast
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPBearer

from overpaint.errors import InvalidKey
from overpaint.server.errors import Declined
from overpaint.service import Service
from overpaint.tasks.task import Key

SESSION_COOKIE = "overpaint_session"

#: Only says in the description that a key is needed; `key_of` does the work.
BEARER = HTTPBearer(auto_error=False, description="An API key: `overpaint keys create`.")

_HOST = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9.])?|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?"
)


def service_of(request: Request) -> Service:
    """The service that the app was made with."""
    return cast(Service, request.app.state.service)


def request_id_of(request: Request) -> str:
    """The request's id, a UUID; the middleware of `logs` sets it, and it stays the same."""
    return cast(str, request.state.request_id)


async def key_of(request: Request) -> Key:
    """Whose request it is: by its Bearer key, or by the page's session cookie.

    A cookie counts only for requests that the server's own page makes.

    Raises:
        InvalidKey: there is no key, or it is not known.
    """
    key = await _key_of(request)
    request.state.key_id = key.id  # for the log
    return key


async def _key_of(request: Request) -> Key:
    service = service_of(request)
    header = request.headers.get("authorization")
    if header is not None:
        scheme, _, secret = header.partition(" ")
        secret = secret.strip()
        if scheme.lower() == "bearer" and not secret:
            raise InvalidKey("No API-key provided.")
        if scheme.lower() != "bearer":
            raise InvalidKey("Invalid API-key provided.")
        return await run_in_threadpool(service.authenticate, secret)
    cookie = request.cookies.get(SESSION_COOKIE)
    key = await run_in_threadpool(service.session, cookie) if cookie else None
    if key is None:
        raise InvalidKey("No API-key provided.")
    if not same_origin(request):
        raise Declined(403, "AccessDenied", "A session counts only for the server's own page.")
    return key


CurrentKey = Annotated[Key, Depends(key_of)]
CurrentService = Annotated[Service, Depends(service_of)]
RequestId = Annotated[str, Depends(request_id_of)]


def by_session(request: Request) -> bool:
    """Whether the page's session, not a key, says whose request it is."""
    return "authorization" not in request.headers


def same_origin(request: Request) -> bool:
    """Whether a browser says that the server's own page made this request.

    A request that changes something must say so; one that reads must not say otherwise.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None and site not in ("same-origin", "none"):
        return False
    if origin is not None:
        given = urlsplit(service_of(request).settings.public_url)
        own = f"{given.scheme}://{given.netloc}"
        return origin.lower() in (own.lower(), _own_base(request).lower())
    return site == "same-origin" or request.method in ("GET", "HEAD")


def base_url(request: Request) -> str:
    """How clients reach this server, without a "/" at the end: the setting, or as they said.

    Raises:
        Declined: the request's Host header is not one.
    """
    return service_of(request).settings.public_url or _own_base(request)


def own_authorities(request: Request) -> frozenset[str]:
    """Host and port, lower case, by which clients reach this server: the setting, as they said.

    Raises:
        Declined: the request's Host header is not one.
    """
    bases = (service_of(request).settings.public_url, _own_base(request))
    return frozenset(urlsplit(base).netloc.lower() for base in bases if base)


def _own_base(request: Request) -> str:
    host = request.headers.get("host")
    if not host:  # HTTP/1.0
        name, port = request.scope.get("server") or ("127.0.0.1", 8000)
        host = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
    if not _HOST.fullmatch(host):
        raise Declined(400, "InvalidParameter", "Host: must be a name or an address, and a port")
    return f"{request.scope['scheme']}://{host}"
