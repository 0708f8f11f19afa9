"""The widget as a guest on somebody's page: what it asks for, obeys, offers and weighs."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.chat import Chat
from tests.browser.conftest import OpenChat, OpenPage
from tests.browser.stand_in import CARD, LAUNCHER_PAGE, Failure, StandInServer
from tests.running_server import wait_until

WIDGET = Path(__file__).parents[2] / "widget"

FORBIDDEN = (
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|\"style\""
)
HOSTILE_CSS = """* { all: unset !important; font-size: 40px !important; color: red !important;
  letter-spacing: 9px !important }
body * { transform: rotate(1deg) !important; opacity: .5 !important }"""


NOTHING_KEPT = """async () => ({
  storage: localStorage.length + sessionStorage.length,
  databases: (await indexedDB.databases()).length,
  caches: self.caches ? (await caches.keys()).length : 0,
  cookies: document.cookie,
  shift: window.shift,
  timers: window.timers,
  requests: performance.getEntriesByType("resource").map(({ name }) => new URL(name).pathname),
})"""
WATCHED = """
window.shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
window.timers = 0;
for (const name of ["setTimeout", "setInterval", "requestAnimationFrame"]) {
  const original = window[name];
  window[name] = (...given) => (window.timers++, original.apply(window, given));
}
"""


def test_until_it_is_opened_it_asks_for_nothing_and_stores_nothing(
    open_page: OpenPage, stand_in: StandInServer
) -> None:
    page = open_page(stand_in.url + "/host", before=WATCHED)
    expect(Chat(page).launcher).to_be_visible()
    page.wait_for_timeout(300)
    assert stand_in.requests == []
    assert page.context.cookies() == []
    found = page.evaluate(NOTHING_KEPT)
    found["requests"] = [path for path in found["requests"] if path != "/icon.svg"]
    assert found == {
        "storage": 0,
        "databases": 0,
        "caches": 0,
        "cookies": "",
        "shift": 0,
        "timers": 0,
        "requests": ["/widget.js"],
    }


def test_the_websites_word_on_who_is_signed_in_is_stored_nowhere_before_it_is_needed(
    open_page: OpenPage, stand_in: StandInServer
) -> None:
    page = open_page(stand_in.url + "/host")
    Chat(page).tell(
        """
        await chat.setIdentity("token");
        await document.createElement("nasro-chat").setIdentity("token");
        """
    )
    assert page.evaluate(NOTHING_KEPT)["storage"] == 0
    assert stand_in.requests == []


ONE_LINE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>A host page</title>
<link rel="icon" href="/icon.svg">{script}<main><h1>A host page</h1></main>{after}"""


@pytest.mark.parametrize(
    ("script", "after"),
    [
        ('<script src="/widget.js" data-theme="dark" defer></script>', ""),
        ('<script src="/widget.js" data-theme="dark" async></script>', ""),
        ('<script src="/widget.js" data-theme="dark"></script>', ""),
        ("", '<script src="/widget.js" data-theme="dark"></script>'),
        ('<script src="/widget.js" data-theme="light" defer></script>' * 2, ""),
        ('<script src="/widget.js" defer></script>', "<nasro-chat></nasro-chat>"),
        (
            '<script src="/widget.js" data-theme="light" defer></script>',
            "<nasro-chat></nasro-chat>",
        ),
    ],
)
def test_one_line_is_all_it_takes(
    open_page: OpenPage, stand_in: StandInServer, script: str, after: str
) -> None:
    stand_in.pages["/line"] = ONE_LINE.format(script=script, after=after)
    page = open_page(stand_in.url + "/line")
    expect(page.get_by_role("button", name="Open chat")).to_have_count(1)
    theme = page.locator("nasro-chat").get_attribute("theme")
    assert theme == (
        None if after.startswith("<nasro") else "dark" if "dark" in script + after else "light"
    )
    page.get_by_role("button", name="Open chat").click()
    Chat(page).shows(stand_in.welcome["text"])


def test_every_request_goes_to_the_server_it_came_from(
    open_page: OpenPage, stand_in: StandInServer
) -> None:
    requested: list[str] = []
    page = open_page("about:blank")
    page.on("request", lambda request: requested.append(request.url))
    page.goto(stand_in.url)
    Chat(page).ask("hello")
    assert [url for url in requested if not url.startswith(stand_in.url + "/")] == []
    assert stand_in.url + "/widget.js" in requested


def test_a_breach_of_the_policy_would_be_noticed(
    open_page: OpenPage, stand_in: StandInServer, problems: list[str]
) -> None:
    stand_in.pages["/careless"] = "<!doctype html><title>x</title><p style='color: red'>Hello"
    open_page(stand_in.url + "/careless")
    assert any("CSP violation: style-src" in problem for problem in problems)
    problems.clear()


def test_included_twice_it_stays_one(open_page: OpenPage, stand_in: StandInServer) -> None:
    twice = '<script src="/widget.js" defer></script>'
    stand_in.pages["/twice"] = LAUNCHER_PAGE.replace(twice, twice * 2)
    page = open_page(stand_in.url + "/twice")
    expect(page.get_by_role("button", name="Open chat")).to_have_count(1)


LOOKS = """(chat) => [...chat.shadowRoot.querySelectorAll(
    ".launcher, .panel, .head, .head h2, .log, .bubble, .chip, .composer textarea, .send")]
  .map((node) => {
    const { color, fontSize, fontFamily, backgroundColor, display, letterSpacing, rotate } =
      getComputedStyle(node);
    const { x, y, width, height } = node.getBoundingClientRect();
    return [node.className, color, fontSize, fontFamily, backgroundColor, display, letterSpacing,
      rotate, x, y, width, height];
  })"""


def test_a_hosts_styles_change_nothing_inside(open_page: OpenPage, stand_in: StandInServer) -> None:
    stand_in.pages["/hostile"] = LAUNCHER_PAGE.replace(
        "<main>", '<link rel="stylesheet" href="/hostile.css"><main>'
    )
    stand_in.texts["/hostile.css"] = HOSTILE_CSS

    def looks(path: str) -> list[object]:
        chat = Chat(open_page(stand_in.url + path, reduced_motion="reduce"))
        chat.tell("chat.open()")
        chat.shows(stand_in.welcome["text"])
        return chat.page.locator("nasro-chat").evaluate(LOOKS)

    calm = looks("/host")
    assert len(calm) > 8
    assert looks("/hostile") == calm


def test_the_page_is_left_as_it_was(open_page: OpenPage, stand_in: StandInServer) -> None:
    chat = Chat(open_page(stand_in.url + "/host", viewport={"width": 390, "height": 844}))
    chat.page.evaluate(
        """() => {
          window.changes = [];
          new MutationObserver((records) => {
            for (const { type, attributeName, target } of records)
              window.changes.push(`${type} ${attributeName} ${target.localName}`);
          }).observe(document, { attributes: true, childList: true, subtree: true });
          window.styles = document.styleSheets.length + document.adoptedStyleSheets.length;
        }"""
    )
    chat.launcher.click()
    chat.shows(stand_in.welcome["text"])
    chat.ask("hello")
    chat.page.keyboard.press("Escape")
    expect(chat.launcher).to_have_attribute("aria-expanded", "false")
    assert chat.page.evaluate("window.changes") == []
    assert chat.page.evaluate(
        "window.styles === document.styleSheets.length + document.adoptedStyleSheets.length"
    )


def test_closed_it_takes_nothing_of_the_page_but_its_button(open_chat: OpenChat) -> None:
    chat = open_chat(launcher=True)
    chat.page.keyboard.press("Escape")
    covered = chat.page.evaluate(
        """() => {
          const chat = document.querySelector("nasro-chat");
          const box = chat.shadowRoot.querySelector(".launcher").getBoundingClientRect();
          const covered = [];
          for (let x = 0; x < innerWidth; x += 8)
            for (let y = 0; y < innerHeight; y += 8) {
              const isOurs = x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
              if (!isOurs && document.elementFromPoint(x, y) === chat) covered.push([x, y]);
            }
          return covered;
        }"""
    )
    assert covered == []
    chat.page.evaluate("addEventListener('click', () => { window.wasClicked = true; })")
    chat.page.mouse.click(900, 400)  # where the panel was
    assert chat.page.evaluate("window.wasClicked")


def test_a_banner_of_the_page_can_lie_above_it(
    open_page: OpenPage, stand_in: StandInServer
) -> None:
    stand_in.pages["/host"] = LAUNCHER_PAGE.replace(
        "<main>", '<link rel="stylesheet" href="/banner.css"><div id="banner">Cookies?</div><main>'
    )
    stand_in.texts["/banner.css"] = """
      #banner { position: fixed; inset: auto 0 0 0; height: 400px; z-index: 1000 }
      nasro-chat { --nasro-z: 999; --nasro-offset-block: 50px; --nasro-offset-inline: 70px }"""
    chat = Chat(open_page(stand_in.url + "/host"))
    top = "(point) => document.elementFromPoint(...point).id || 'chat'"
    box = chat.launcher.bounding_box()
    assert box
    assert (box["x"] + box["width"], box["y"] + box["height"]) == (1280 - 70, 860 - 50)
    assert chat.page.evaluate(top, [box["x"] + 20, box["y"] + 20]) == "banner"
    chat.page.locator("nasro-chat").evaluate(
        "(chat) => chat.style.setProperty('--nasro-z', '1001')"
    )
    assert chat.page.evaluate(top, [box["x"] + 20, box["y"] + 20]) == "chat"


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_it_stands_on_the_side_it_is_told(
    open_chat: OpenChat, stand_in: StandInServer, direction: str
) -> None:
    stand_in.pages["/host"] = LAUNCHER_PAGE.replace("<html", f'<html dir="{direction}"').replace(
        "<nasro-chat>", '<nasro-chat side="start">'
    )
    chat = open_chat(launcher=True)
    launcher, panel = chat.launcher.bounding_box(), chat.page.locator(".panel").bounding_box()
    assert launcher
    assert panel
    if direction == "ltr":
        assert (launcher["x"], panel["x"]) == (20, 20)
    else:
        assert launcher["x"] + launcher["width"] == panel["x"] + panel["width"] == 1280 - 20


def test_parts_can_be_styled_from_outside(open_chat: OpenChat, stand_in: StandInServer) -> None:
    stand_in.pages["/host"] = LAUNCHER_PAGE.replace(
        "<main>", '<link rel="stylesheet" href="/own.css"><main>'
    )
    stand_in.texts["/own.css"] = """
      nasro-chat { --nasro-brand: rgb(10, 80, 40) }
      nasro-chat::part(panel) { border-radius: 3px }
      nasro-chat::part(message-assistant) { font-style: italic }"""
    chat = open_chat(launcher=True)
    style = "(node, name) => getComputedStyle(node)[name]"
    assert chat.launcher.evaluate(style, "backgroundColor") == "rgb(10, 80, 40)"
    assert chat.page.locator(".panel").evaluate(style, "borderRadius") == "3px"
    assert chat.messages.first.evaluate(style, "fontStyle") == "italic"


def test_a_page_can_take_it_off_and_put_it_on_again_without_a_trace(
    open_page: OpenPage, stand_in: StandInServer
) -> None:
    page = open_page(stand_in.url + "/host")
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")

    def once() -> None:
        # Each time the same conversation: one that had grown would weigh more.
        page.evaluate("localStorage.clear(); sessionStorage.clear()")
        page.evaluate("document.body.append(document.createElement('nasro-chat'))")
        chat = Chat(page)
        chat.launcher.click()
        chat.shows(stand_in.welcome["text"])
        chat.ask("hello")
        chat.tell("chat.destroy()")
        expect(page.get_by_role("button", name="Open chat")).to_have_count(0)

    def weight() -> dict[str, float]:
        page.wait_for_timeout(2_500)  # what is said last is taken back after 1.5 s
        for _ in range(3):
            devtools.send("HeapProfiler.collectGarbage")
        metrics = devtools.send("Performance.getMetrics")["metrics"]
        return {metric["name"]: metric["value"] for metric in metrics}

    page.evaluate("document.querySelector('nasro-chat').destroy()")
    for _ in range(10):  # by then its code is compiled
        once()
    before = weight()
    for _ in range(10):
        once()
    after = weight()
    assert after["JSEventListeners"] == before["JSEventListeners"]
    assert after["Nodes"] == before["Nodes"]
    assert after["JSHeapUsedSize"] - before["JSHeapUsedSize"] < 200_000


def test_taken_off_and_put_in_again_the_same_element_goes_on(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat(launcher=True)
    chat.ask("hello")
    chat.tell("window.taken = chat; chat.destroy();")
    chat.page.evaluate("document.body.append(window.taken)")
    chat.shows("You said: hello")
    chat.ask("still there?")
    assert chat.texts()[1:] == [
        "hello",
        "You said: hello",
        "still there?",
        "You said: still there?",
    ]
    chat.page.keyboard.press("Escape")
    expect(chat.button("Open chat")).to_be_visible()
    stand_in.delay = 0.3
    chat.tell("chat.send('a last one'); window.taken = chat; chat.destroy();")
    chat.page.evaluate("document.body.append(window.taken)")
    chat.shows("You said: a last one")
    assert len(stand_in.conversations) == 1


def test_moved_within_the_page_it_goes_on(open_chat: OpenChat) -> None:
    chat = open_chat(launcher=True)
    chat.ask("hello")
    chat.page.evaluate(
        """() => {
          const place = document.createElement("section");
          document.body.prepend(place);
          place.append(document.querySelector("nasro-chat"));
        }"""
    )
    chat.ask("still there?")
    assert chat.texts()[-2:] == ["still there?", "You said: still there?"]
    chat.page.keyboard.press("Escape")
    expect(chat.page.get_by_role("dialog")).to_have_count(0)


def test_a_page_hears_of_everything_once_and_of_nobodys_words(
    open_page: OpenPage, stand_in: StandInServer
) -> None:
    stand_in.identities = {"token-of-the-website": "j•••@example.org"}
    page = open_page(
        stand_in.url + "/host",
        before="""
          window.heard = [];
          const names = ["open", "close", "message", "rating", "error", "start-over", "sign-out"];
          for (const name of names)
            addEventListener(`nasro-chat:${name}`, (event) => {
              if (!event.composed || event.target.localName !== "nasro-chat") throw event;
              window.heard.push([name, event.detail]);
            });""",
    )
    logged: list[str] = []
    page.on("console", lambda message: logged.append(message.text))
    chat = Chat(page)
    chat.tell("chat.setIdentity('token-of-the-website'); chat.send('My code is 123456')")
    chat.shows("You said: My code is 123456")
    chat.last.get_by_role("button", name="Helpful", exact=True).click()
    chat.button("No, thanks").click()
    stand_in.fail_next("messages", Failure(503, "Busy."))
    chat.say("hello")
    chat.shows("Busy.")
    chat.start_over()
    expect(chat.messages).to_have_count(1)
    chat.choose("Sign out")
    chat.asked.get_by_role("button", name="Sign out").click()
    # Not Page.wait_for_function: its polling is eval, which the page's policy forbids.
    wait_until(
        lambda: page.evaluate("heard.filter(([name]) => name === 'start-over').length === 2")
    )
    expect(chat.messages).to_have_count(1)
    chat.tell("chat.close(); chat.close()")
    heard = page.evaluate("window.heard")
    ids = {detail.pop("id") for _, detail in heard if "id" in detail}
    assert len(ids) == 4
    assert heard == [
        ["open", {}],
        ["message", {"from": "user"}],
        ["message", {"from": "assistant"}],
        ["message", {"from": "assistant"}],
        ["rating", {"helpful": True}],
        ["message", {"from": "user"}],
        ["error", {"status": 503}],
        ["start-over", {}],
        ["message", {"from": "assistant"}],
        ["sign-out", {}],
        ["start-over", {}],
        ["message", {"from": "assistant"}],
        ["close", {}],
    ]
    assert [line for line in logged if "Failed to load resource" not in line] == []
    assert "123456" not in str(heard)
    assert "token-of-the-website" not in str(heard) + str(chat.saved())


def test_what_is_called_before_the_script_has_arrived_counts(
    open_page: OpenPage, stand_in: StandInServer
) -> None:
    stand_in.identities = {"jane": "j•••@example.org"}
    stand_in.pages["/early"] = LAUNCHER_PAGE.replace(" defer>", ">", 1).replace(
        '<script src="/widget.js">',
        '<script src="/early.js"></script><script src="/widget.js" defer>',
    )
    stand_in.texts["/early.js"] = """addEventListener("readystatechange", () => {}, true);
      document.addEventListener("readystatechange", () => {
        const chat = document.querySelector("nasro-chat");
        chat.strings = { launcher: "Ask us" };
        chat.identityToken = () => "jane";
      }, { once: true });"""
    chat = Chat(open_page(stand_in.url + "/early"))
    expect(chat.launcher).to_have_text("Ask us")
    chat.launcher.click()
    chat.shows(stand_in.welcome["text"])
    assert stand_in.calls("POST", "sessions")[0].body == {"identity_token": "jane"}


@pytest.mark.parametrize("is_attribute", [False, True])
def test_every_word_comes_from_the_strings_table(
    open_page: OpenPage, stand_in: StandInServer, is_attribute: bool
) -> None:
    stand_in.welcome = {"text": "«»"}
    stand_in.identities = {"jane": "«»"}
    stand_in.answers["«»"] = [
        {
            "text": "«»",
            "cards": [{**CARD, "title": "«»", "url": "https://a.example"}],
            "buttons": [{"title": "«»", "payload": "«»"}],
            "source": {"title": "«»"},
            "as_of": "2026-11-23T20:30:00Z",
        }
    ]
    page = open_page(stand_in.url + "/host", locale="ja-JP")
    chat = Chat(page)
    words: dict[str, str] = page.locator("nasro-chat").evaluate("(chat) => chat.strings")
    chat.tell("chat.remove()")
    page.evaluate(
        """([words, isAttribute]) => {
          const chat = document.createElement("nasro-chat");
          if (isAttribute) chat.setAttribute("strings", JSON.stringify(words));
          else chat.strings = words;
          chat.setIdentity("jane");
          document.body.append(chat);
        }""",
        [dict.fromkeys(words, "«»"), is_attribute],
    )

    def no_english(state: str) -> None:
        found = re.sub(r"/url: \S+", "", page.locator(".root").aria_snapshot())
        assert "«»" in found
        roles = re.findall(r"^\s*- '?(\w+)", found, re.M)
        for word in {*roles, "level", "expanded", "pressed", "disabled", "active", "invalid"}:
            found = re.sub(rf"\b{word}\b", "", found)
        assert re.findall(r"[A-Za-z]{2,}", found) == [], state

    no_english("closed")
    page.get_by_role("button", name="«»").click()
    page.locator(".composer textarea").fill("«»")
    page.locator(".composer textarea").press("Enter")
    page.locator("[aria-pressed]:visible").last.click()
    expect(page.get_by_role("textbox")).to_have_count(2)
    no_english("rated")
    page.locator("[aria-controls=menu]").click()
    no_english("menu")
    page.locator(".menu button").last.click()
    no_english("asked")
    page.keyboard.press("Escape")
    page.context.set_offline(True)
    page.locator(".composer textarea").fill("«»")
    page.locator(".composer textarea").press("Enter")
    expect(page.locator(".problem")).to_be_visible()
    page.locator(".composer textarea").fill("«" * 2_001)
    no_english("offline, too long")
    page.context.set_offline(False)


def test_a_broken_strings_attribute_is_told_to_the_developer_and_harms_nobody(
    open_page: OpenPage, stand_in: StandInServer
) -> None:
    stand_in.pages["/host"] = LAUNCHER_PAGE.replace(
        "<nasro-chat>", "<nasro-chat strings='{title: no JSON}'>"
    )
    page = open_page("about:blank")
    with page.expect_console_message(lambda message: "no JSON" in message.text):
        page.goto(stand_in.url + "/host")
    Chat(page).launcher.click()
    Chat(page).shows(stand_in.welcome["text"])


def test_its_words_are_marked_as_english_on_a_page_in_another_language(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    stand_in.pages["/host"] = LAUNCHER_PAGE.replace('lang="en"', 'lang="es"')
    chat = open_chat(launcher=True)
    lang = "(node) => node.closest('[lang]')?.lang"
    assert chat.launcher.evaluate(lang) == "en"


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(r'\bpart: "([\w -]+)"|part: `message message-', id="parts"),
        pytest.param(r"var\((--nasro-[\w-]+)", id="custom properties"),
        pytest.param(r'#tell\("([\w-]+)"', id="events"),
        pytest.param(r'(?:get|has)Attribute\("([\w-]+)"\)|:host\(\[([\w-]+)', id="attributes"),
    ],
)
def test_all_that_a_page_can_use_is_written_down(pattern: str) -> None:
    sources = "".join(path.read_text("utf-8") for path in (WIDGET / "src").glob("*.js"))
    guide = (WIDGET.parent / "docs" / "embedding.md").read_text("utf-8")
    found = {"".join(groups) for groups in re.findall(pattern, sources) if "".join(groups)}
    found -= {"hidden"}  # of HTML
    assert found
    missing = [name for name in found if not re.search(rf"`(nasro-chat:)?{name}`", guide)]
    assert missing == []


def test_no_code_parses_markup_or_runs_text() -> None:
    sources = [path.read_text("utf-8") for path in (WIDGET / "src").glob("*.js")]
    assert len(sources) == 5
    assert re.findall(FORBIDDEN, "".join(sources)) == []


def test_the_served_copy_is_made_from_the_source(tmp_path: Path) -> None:
    assert (WIDGET / "node_modules").exists(), "Run `npm ci` in widget/."
    made = tmp_path / "made.js"
    subprocess.run(
        [_tool("npm"), "run", "--silent", "build", "--", "--output", str(made)],
        cwd=WIDGET,
        check=True,
        capture_output=True,
    )
    served = (WIDGET / "nasro-chat.min.js").read_text("utf-8")
    assert made.read_text("utf-8") == served, "Run `npm run build` in widget/."


def test_it_can_be_imported_where_there_is_no_page() -> None:
    script = WIDGET / "nasro-chat.min.js"
    subprocess.run([_tool("node"), str(script)], check=True, capture_output=True)


def _tool(name: str) -> str:
    found = shutil.which(name)
    assert found, f"{name} is missing from {os.environ.get('PATH')}"
    return found
