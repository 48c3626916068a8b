"""What the page is allowed to do, what it weighs, and where the key is never seen."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect
from tests.browser.desk import Desk, Look, read
from tests.browser.files import PLAIN
from tests.browser.words import EN

Visit = Callable[[Look], Desk]

MOST_BYTES = 300_000  # of the first load, as they go over the wire


def test_the_first_load_is_light(visit: Visit) -> None:
    desk = visit(Look(EN))
    desk.sign_in()
    session = desk.context.new_cdp_session(desk.page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    sizes: list[float] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    desk.page.reload()
    expect(desk.button(desk.words.choose)).to_be_enabled()
    desk.page.wait_for_timeout(500)  # what it fetches right after it is there counts too
    assert len(sizes) > 3
    assert 20_000 < sum(sizes) <= MOST_BYTES, f"{sum(sizes):.0f} bytes in {len(sizes)} files"


def test_the_policy_lets_nothing_of_others_in(visit: Visit) -> None:
    desk = visit(Look(EN))
    desk.sign_in()
    answer = desk.page.reload()
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert rules["frame-ancestors"] == rules["base-uri"] == "'none'"
    assert "unsafe" not in policy
    assert "*" not in policy


def test_the_session_is_a_cookie_that_scripts_do_not_see_and_no_address_has_the_key(
    visit: Visit,
) -> None:
    desk = visit(Look(EN))
    desk.sign_in()
    (cookie,) = desk.context.cookies()
    assert cookie["name"] == "overpaint_session"
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"
    assert desk.page.evaluate("document.cookie") == ""
    assert desk.key not in cookie["value"]

    desk.pick(PLAIN)
    desk.stroke((0.4, 0.4), (0.6, 0.6))
    desk.ask("a hat", model="instant")
    desk.repaint()
    desk.await_results(1)
    read(desk.download())
    desk.await_kept("a hat")
    desk.page.reload()
    desk.see(PLAIN.name)
    assert len(desk.watch.urls) > 10
    assert not [url for url in desk.watch.urls if desk.key in url]
    kept = desk.page.evaluate("JSON.stringify({ ...localStorage, ...sessionStorage })")
    assert desk.key not in kept


def test_prompts_and_names_are_text_wherever_they_are_seen(visit: Visit) -> None:
    desk = visit(Look(EN))
    words = desk.words
    desk.sign_in()
    desk.pick(PLAIN)
    desk.stroke((0.3, 0.3), (0.7, 0.7))
    desk.ask(words.unlike)
    desk.repaint()
    desk.await_results(1)
    expect(desk.page.get_by_role("region", name=words.results)).to_contain_text(words.unlike)
    desk.button(words.more).click()
    desk.button(words.details).click()
    expect(desk.page.get_by_text(words.unlike).first).to_be_visible()
    assert desk.page.locator("img[src=x], b:text-is('bold')").count() == 0
