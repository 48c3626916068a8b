"""The page's door: signing in by a one-time link or a key, signing out, and the page itself.

A session is a signed cookie that scripts cannot read and other sites cannot have sent.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from overpaint.errors import InvalidKey
from overpaint.server import landing, webpage
from overpaint.server.deps import SESSION_COOKIE, CurrentService, base_url, same_origin
from overpaint.server.forms import check_charset
from overpaint.service import Service
from overpaint.service.core import SESSION_DAYS
from overpaint.tasks.task import Key

router = APIRouter(include_in_schema=False)

MAX_KEY = 200  # characters; a longer one is none


@router.get("/")
@router.head("/")
async def page(request: Request, service: CurrentService) -> Response:
    """The app for who is signed in, else the landing page."""
    cookie = request.cookies.get(SESSION_COOKIE)
    key = await run_in_threadpool(service.session, cookie) if cookie else None
    if key is None:
        return _page(request)
    app = await run_in_threadpool(webpage.app_page, request)
    return app or _page(request, key=key, said="not_built", status=503)


@router.get("/sign-in/{token}")
async def sign_in_by_link(token: str, request: Request, service: CurrentService) -> Response:
    """Open a session with a link that `overpaint serve` printed; it works once."""
    key = await run_in_threadpool(service.keys.take_signin, token)
    if key is None:
        return _page(request, said="used_link", status=403)
    return _signed_in(request, service, key)


@router.post("/sign-in")
async def sign_in(request: Request, service: CurrentService) -> Response:
    """Open a session with the key that the page's form sends."""
    if not same_origin(request):
        return _page(request, said="not_ours", status=403)
    check_charset(request)
    async with request.form(max_files=0, max_fields=4) as form:
        secret = str(form.get("key", "")).strip()
    try:
        if not secret or len(secret) > MAX_KEY:
            raise InvalidKey
        key = await run_in_threadpool(service.authenticate, secret)
    except InvalidKey:
        return _page(request, said="wrong_key", status=401)
    return _signed_in(request, service, key)


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """End the browser's session."""
    if not same_origin(request):
        return _page(request, said="not_ours", status=403)
    answer = _to_page(request)
    answer.delete_cookie(
        SESSION_COOKIE, path="/", secure=_is_https(request), httponly=True, samesite="strict"
    )
    return answer


def _signed_in(request: Request, service: Service, key: Key) -> Response:
    answer = _to_page(request)
    answer.set_cookie(
        SESSION_COOKIE,
        service.new_session(key),
        max_age=SESSION_DAYS * 86_400,
        path="/",
        secure=_is_https(request),
        httponly=True,
        samesite="strict",
    )
    return answer


def _to_page(request: Request) -> RedirectResponse:
    asked = request.query_params.get("lang", "")
    where = f"/?lang={asked}" if asked in landing.LANGUAGES else "/"
    return RedirectResponse(where, status_code=303)


def _is_https(request: Request) -> bool:
    return base_url(request).startswith("https://") or request.url.scheme == "https"


def _page(
    request: Request, *, key: Key | None = None, said: str = "", status: int = 200
) -> HTMLResponse:
    asked = request.query_params.get("lang", "")
    language = landing.language_of(asked, request.headers.get("accept-language", ""))
    html = landing.render(
        base=base_url(request), language=language, key=key, said=said, asked=asked == language
    )
    return HTMLResponse(html, status_code=status, headers=landing.HEADERS)
