"""How it fits every screen and everybody's settings: sizes, zoom, spacing, motion, colours, focus."""

import io
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenChat
from tests.browser.stand_in import CARD, LAUNCHER_PAGE, StandInServer
from tests.browser.states import STATES, State, cards, menu, rated, steps, welcome
from tests.running_server import wait_until

SIZES = [(320, 568), (390, 844), (768, 1024), (1280, 800)]
TOUCH = {"has_touch": True, "is_mobile": True}

TOO_WIDE = """() => {
  const root = document.querySelector("nasro-chat").shadowRoot;
  return [document.documentElement,
      ...root.querySelectorAll(".panel, .head, .menu, .confirm, .log, .bubble, .card, .chip, .foot")]
    .filter((node) => node.checkVisibility())
    .filter((node) => node.scrollWidth > node.clientWidth + 1)
    .map((node) => `${node.className} ${node.scrollWidth} > ${node.clientWidth}`);
}"""
CUT_OFF = """() => {
  const root = document.querySelector("nasro-chat").shadowRoot;
  return [...root.querySelectorAll("button, h2, h3, p, li, dt, dd, label")]
    .filter((node) => node.checkVisibility() && !node.closest(".hidden") && node.clientHeight)
    .filter((node) => node.scrollHeight > node.clientHeight + 2)
    .map((node) => `${node.className || node.textContent}: ${node.scrollHeight} > ${node.clientHeight}`);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("direction", ["ltr", "rtl"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_every_state_fits_every_screen(
    open_chat: OpenChat,
    stand_in: StandInServer,
    width: int,
    height: int,
    direction: str,
    scheme: str,
) -> None:
    stand_in.pages["/host"] = LAUNCHER_PAGE.replace("<html", f'<html dir="{direction}"')
    # Colours change no size: in dark fewer states will do.
    states: list[State] = [steps, cards, rated, menu] if scheme == "light" else [welcome, cards]
    for state in states:
        view = {"width": width, "height": height}
        chat = open_chat(launcher=True, viewport=view, color_scheme=scheme)
        state(chat, stand_in)
        assert chat.page.evaluate(TOO_WIDE) == [], state.__name__
        assert chat.page.evaluate(CUT_OFF) == [], state.__name__
        panel = chat.page.locator(".panel").bounding_box()
        assert panel
        assert panel["x"] >= 0
        assert panel["y"] >= 0
        assert panel["x"] + panel["width"] <= width
        assert panel["y"] + panel["height"] <= height
        chat.tell("chat.close()")
        launcher = chat.launcher.bounding_box()
        assert launcher
        edges = (
            launcher["x"],
            launcher["y"],
            width - launcher["x"] - launcher["width"],
            height - launcher["y"] - launcher["height"],
        )
        assert min(edges) >= 16


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("path", ["/", "/host"])
@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_a_word_without_end_scrolls_nothing_sideways(
    open_chat: OpenChat,
    stand_in: StandInServer,
    width: int,
    height: int,
    path: str,
    direction: str,
) -> None:
    stand_in.pages[path] = stand_in.pages[path].replace("<html", f'<html dir="{direction}"')
    word = "x" * 1_500
    stand_in.answers[word] = [
        {
            "text": f"1. {word}\n\n{word} شكرا 🙂",
            "cards": [{**CARD, "title": word, "fields": [{"label": word, "value": word}]}],
            "buttons": [{"title": word, "payload": "/x"}],
            "links": [{"title": "https://" + word, "url": "https://" + word}],
            "source": {"title": word},
        }
    ]
    chat = open_chat(launcher=path == "/host", viewport={"width": width, "height": height})
    chat.ask(word)
    assert chat.page.evaluate(TOO_WIDE) == []


@pytest.mark.parametrize(("is_touch", "least"), [(False, 24), (True, 44)])
def test_targets_are_large_enough(
    open_chat: OpenChat, stand_in: StandInServer, is_touch: bool, least: int
) -> None:
    chat = open_chat(launcher=True, has_touch=is_touch, is_mobile=is_touch)
    cards(chat, stand_in)
    chat.button("Helpful").click()
    chat.button("Send comment").wait_for()
    menu(chat, stand_in)
    small = chat.page.evaluate(
        """(least) => {
          const root = document.querySelector("nasro-chat").shadowRoot;
          return [...root.querySelectorAll("button, .card a, textarea")]
            .filter((node) => node.checkVisibility())
            .map((node) => [node.textContent || node.ariaLabel, node.getBoundingClientRect()])
            .filter(([, box]) => box.width < least || box.height < least)
            .map(([name, box]) => `${name}: ${box.width} x ${box.height}`);
        }""",
        least,
    )
    assert small == []


def test_who_wants_no_motion_sees_none(open_chat: OpenChat, stand_in: StandInServer) -> None:
    stand_in.delay = 0.8
    chat = open_chat(reduced_motion="reduce")
    chat.say("hello")
    expect(chat.page.locator(".dots")).to_have_text("The assistant is typing")
    moving = open_chat(reduced_motion="no-preference")
    moving.say("hello")
    expect(moving.page.locator(".dots")).to_be_visible()
    assert moving.page.evaluate(RUNNING) > 0


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_nothing_moves_in_any_state_for_who_wants_no_motion(
    open_chat: OpenChat, stand_in: StandInServer, state: State
) -> None:
    chat = open_chat(launcher=True, reduced_motion="reduce")
    state(chat, stand_in)
    assert chat.page.evaluate(RUNNING) == 0


RUNNING = "document.querySelector('nasro-chat').shadowRoot.getAnimations().length"


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_without_colours_of_its_own_each_control_still_has_a_border(
    open_chat: OpenChat, stand_in: StandInServer, state: State
) -> None:
    chat = open_chat(launcher=True, forced_colors="active")
    state(chat, stand_in)
    bare = chat.page.evaluate(
        """() => {
          const root = document.querySelector("nasro-chat").shadowRoot;
          return [...root.querySelectorAll("button:not(.under *), textarea, .card a")]
            .filter((node) => node.checkVisibility())
            .filter((node) => getComputedStyle(node).borderTopWidth === "0px"
              || getComputedStyle(node).borderTopStyle === "none")
            .map((node) => node.className || node.ariaLabel);
        }"""
    )
    assert bare == []


def test_a_touch_keyboard_leaves_the_input_and_the_newest_message_in_sight(
    open_chat: OpenChat,
) -> None:
    # What the browser tells of a keyboard is made up; that the page isn't resized is as on iOS.
    chat = open_chat(
        launcher=True,
        viewport={"width": 390, "height": 844},
        before="""
          const view = new EventTarget();
          Object.assign(view, { height: 844, offsetTop: 0, scale: 1 });
          Object.defineProperty(window, "visualViewport", { value: view });""",
        **TOUCH,
    )
    for number in range(6):
        chat.ask(f"message {number}")
    # The keyboard comes in the very moment in which the newest message is scrolled to.
    chat.log.evaluate(
        """async (log) => {
          log.scrollTop -= 40; // still as good as at the end
          await new Promise((done) => setTimeout(done, 200));
          log.scrollTop = log.scrollHeight;
          Object.assign(visualViewport, { height: 480, offsetTop: 60 });
          visualViewport.dispatchEvent(new Event("resize"));
        }"""
    )

    def is_in_sight(shown: Locator) -> bool:
        box = shown.bounding_box()
        return bool(box) and box["y"] >= 60 and box["y"] + box["height"] <= 60 + 480

    for shown in (chat.input, chat.last.locator(".bubble")):
        wait_until(partial(is_in_sight, shown))
    chat.page.evaluate(
        "Object.assign(visualViewport, { height: 844, offsetTop: 0 });"
        "visualViewport.dispatchEvent(new Event('resize'))"
    )
    panel = chat.page.locator(".panel").bounding_box()
    assert panel
    assert (panel["y"], panel["height"]) == (0, 844)


def test_a_phone_neither_zooms_into_the_input_nor_is_kept_from_zooming(
    open_chat: OpenChat, stand_in: StandInServer
) -> None:
    chat = open_chat(launcher=True, viewport={"width": 390, "height": 844}, **TOUCH)
    size = chat.input.evaluate("(input) => parseFloat(getComputedStyle(input).fontSize)")
    assert size >= 16
    for page in stand_in.pages.values():
        assert "user-scalable" not in page
        assert "maximum-scale" not in page


def test_when_the_screen_changes_an_open_chat_fits_again(open_chat: OpenChat) -> None:
    chat = open_chat(launcher=True, viewport={"width": 768, "height": 1024})
    dialog, modal = chat.page.locator("dialog"), chat.page.locator("dialog:modal")
    expect(modal).to_have_count(0)
    chat.input.fill("half a question")
    chat.page.set_viewport_size({"width": 390, "height": 844})
    expect(modal).to_be_visible()
    expect(chat.input).to_be_focused()
    chat.page.set_viewport_size({"width": 1024, "height": 768})
    expect(modal).to_have_count(0)
    expect(dialog).to_be_visible()
    expect(chat.input).to_have_value("half a question")
    expect(chat.launcher).to_have_attribute("aria-expanded", "true")


# 1.4.12, all four at once.
TEXT_SPACING = """
* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }
p { margin-block-end: 2em !important }"""


def larger_text(page: Page) -> None:
    devtools = page.context.new_cdp_session(page)
    devtools.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})


def spaced_text(page: Page) -> None:
    page.locator("nasro-chat").evaluate(
        """(chat, css) => {
          const sheet = new CSSStyleSheet();
          sheet.replaceSync(css);
          chat.shadowRoot.adoptedStyleSheets.push(sheet);
        }""",
        TEXT_SPACING,
    )


def as_it_is(_: Page) -> None:
    pass


@pytest.mark.parametrize(
    ("width", "height", "change"),
    [
        pytest.param(1280, 860, larger_text, id="text of 200 %"),
        pytest.param(390, 844, larger_text, id="text of 200 % on a phone"),
        pytest.param(1280, 860, spaced_text, id="text spacing"),
        pytest.param(640, 430, as_it_is, id="zoom of 200 %"),
        pytest.param(320, 256, as_it_is, id="zoom of 400 %"),
    ],
)
@pytest.mark.parametrize("state", [steps, cards, menu, rated], ids=lambda state: state.__name__)
def test_larger_and_wider_text_is_neither_cut_nor_scrolled_both_ways(
    open_chat: OpenChat,
    stand_in: StandInServer,
    width: int,
    height: int,
    change: Callable[[Page], None],
    state: State,
) -> None:
    chat = open_chat(launcher=True, viewport={"width": width, "height": height})
    size = "(input) => parseFloat(getComputedStyle(input).fontSize)"
    before = chat.input.evaluate(size)
    change(chat.page)
    state(chat, stand_in)
    if change is larger_text:
        assert chat.input.evaluate(size) == 2 * before
    assert chat.page.evaluate(TOO_WIDE) == []
    assert chat.page.evaluate(CUT_OFF) == []
    expect(chat.input).to_be_in_viewport()
    expect(chat.button("Send")).to_be_in_viewport()


@pytest.mark.parametrize(
    "view",
    [{"color_scheme": "light"}, {"color_scheme": "dark"}, {"forced_colors": "active"}],
    ids=["light", "dark", "forced colours"],
)
def test_each_control_has_a_ring_that_stands_out_when_it_has_the_focus(
    open_chat: OpenChat, stand_in: StandInServer, view: dict[str, Any]
) -> None:
    chat = open_chat(launcher=True, reduced_motion="reduce", **view)
    cards(chat, stand_in)
    chat.button("Helpful").click()
    chat.button("Send comment").wait_for()
    chat.button("More options").focus()
    chat.page.keyboard.press("Enter")
    chat.launcher.focus()  # the first of them in the page's order
    seen: list[int] = []
    controls: list[str] = chat.page.evaluate(f"{CONTROLS}.map((node) => node.outerHTML)")
    while (focused := chat.page.evaluate(FOCUSED)) not in [-1, *seen]:
        seen.append(focused)
        missing = missing_of_ring(chat.page)
        assert missing == "", f"{controls[focused]}: {missing}"
        chat.page.keyboard.press("Tab")
    assert [html for index, html in enumerate(controls) if index not in seen] == []


CONTROLS = """[...document.querySelector("nasro-chat").shadowRoot
  .querySelectorAll("a[href], button, textarea, [tabindex]")].filter((node) => node.checkVisibility())"""
FOCUSED = f"{CONTROLS}.indexOf(document.querySelector('nasro-chat').shadowRoot.activeElement)"
RING = """(isShown) => {
  const node = document.querySelector("nasro-chat").shadowRoot.activeElement;
  node.style.setProperty("outline", isShown ? "" : "none", "important");
  const { x, y, width, height } = node.getBoundingClientRect();
  return { x, y, width, height };
}"""


def missing_of_ring(page: Page) -> str:
    """What the ring of the focused control lacks, by its pixels; "" for nothing.

    As WCAG 2.2 has it in 2.4.13: at least as many pixels as a line of 2 px around the control has change
    by a contrast of 3:1.
    """
    box = page.evaluate(RING, True)
    clip = {
        "x": max(box["x"] - 6, 0),
        "y": max(box["y"] - 6, 0),
        "width": box["width"] + 12,
        "height": box["height"] + 12,
    }
    with_ring = pixels(page.screenshot(clip=clip))
    page.evaluate(RING, False)
    without = pixels(page.screenshot(clip=clip))
    page.evaluate(RING, True)
    pairs = zip(with_ring, without, strict=True)
    changed = sum(one != other and contrast(one, other) >= 3 for one, other in pairs)
    needed = 0.9 * 2 * 2 * (box["width"] + box["height"])  # corners are round
    return "" if changed >= needed else f"{changed} of {needed:.0f} pixels stand out"


Pixel = tuple[int, int, int]


def pixels(png: bytes) -> list[Pixel]:
    return list(Image.open(io.BytesIO(png)).convert("RGB").get_flattened_data())


def contrast(one: Pixel, other: Pixel) -> float:
    """The contrast ratio of WCAG 2."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: Pixel) -> float:
    """The relative luminance of WCAG 2."""
    parts = (part / 255 for part in colour)
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
