"""What must not happen on a page, whatever the story: it is collected, and ends the test."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Page, Request, Response

#: What a browser says of an answer that is not 2xx; the answer itself is judged below.
_STATUS = re.compile(r"Failed to load resource: the server responded with a status of \d+")


class Watch:
    """Console errors, errors of scripts, violations of the policy, other hosts, failures."""

    def __init__(self, context: BrowserContext, root: str) -> None:
        self._host = urlsplit(root).netloc
        self._allowed: list[re.Pattern[str]] = []
        self.seen: list[str] = []
        #: Every address that was asked for.
        self.urls: list[str] = []
        context.on("console", self._console)
        context.on("weberror", lambda error: self.seen.append(f"script: {error.error}"))
        context.on("request", self._request)
        context.on("requestfailed", self._failed)
        context.on("response", self._response)
        context.on("dialog", self._dialog)
        context.on("page", self._page)

    def allow(self, *patterns: str) -> None:
        """Let pass what a story brings about on purpose; patterns are searched for."""
        self._allowed += [re.compile(pattern) for pattern in patterns]

    def verdict(self) -> list[str]:
        """What was seen and is not allowed."""
        return [one for one in self.seen if not any(rule.search(one) for rule in self._allowed)]

    def _page(self, page: Page) -> None:
        page.on("crash", lambda _: self.seen.append("crash"))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not _STATUS.match(message.text):
            self.seen.append(f"console: {message.text}")

    def _dialog(self, dialog: Dialog) -> None:
        if dialog.type == "beforeunload":  # the page asks before marks are lost; a story knows
            dialog.accept()
        else:
            self.seen.append(f"dialog: {dialog.message}")
            dialog.dismiss()

    def _request(self, request: Request) -> None:
        self.urls.append(request.url)
        parts = urlsplit(request.url)
        if parts.scheme not in ("blob", "data") and parts.netloc != self._host:
            self.seen.append(f"another host: {request.url}")

    def _failed(self, request: Request) -> None:
        # Given up by the page itself: a stream that is closed, suggestions for older words.
        if request.failure != "net::ERR_ABORTED":
            self.seen.append(f"failed: {request.method} {request.url} {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            request = response.request
            path = urlsplit(request.url).path
            self.seen.append(f"status: {response.status} {request.method} {path}")
