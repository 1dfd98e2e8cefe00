"""The report in headless Chromium: sort, filter, images, difference, theme, keyboard; no error, no outside request."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

Open = Callable[[str], Any]


@pytest.fixture
def page(browser: Any, site: Path) -> Iterator[Open]:
    """Opens a page of the site; afterwards nothing may have been logged or asked of the network."""
    browser.get_log("performance")
    browser.get_log("browser")

    def open_page(name: str) -> Any:
        path, _, fragment = name.partition("#")
        browser.get((site / path).as_uri() + (f"#{fragment}" if fragment else ""))
        return browser

    yield open_page
    errors = [entry for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
    assert errors == []
    asked = [
        message["params"]["request"]["url"]
        for entry in browser.get_log("performance")
        if (message := json.loads(entry["message"])["message"])["method"] == "Network.requestWillBeSent"
    ]
    assert asked, "the log of requests must not be empty, or this test sees nothing"
    outside = [url for url in asked if not url.startswith(("file://", "data:"))]
    assert outside == []


def _find(browser: Any, selector: str) -> list[Any]:
    return browser.find_elements("css selector", selector)


def _column(browser: Any, board: str, column: int) -> list[str]:
    script = (
        "return Array.from(document.querySelectorAll(arguments[0] + ' tbody tr'))"
        ".filter(r => !r.hidden).map(r => r.cells[arguments[1]].firstChild.textContent.trim())"
    )
    return browser.execute_script(script, board, column)


BOARD = "#board-frll-cross-v1-embedded"


def test_a_click_sorts_best_first_and_a_second_click_turns_it(page: Open) -> None:
    browser = page("protocols/frll-cross-v1.html")
    header = _find(browser, f"{BOARD} th[data-better=lower] button")[0]
    header.click()
    assert _find(browser, f"{BOARD} th[aria-sort=ascending]")
    values = [float(text) for text in _column(browser, BOARD, 3)]
    assert values == sorted(values) and len(values) == 5
    header.click()
    assert [float(text) for text in _column(browser, BOARD, 3)] == sorted(values, reverse=True)
    csim = _find(browser, f"{BOARD} th.primary button")[0]
    csim.click()
    values = [float(text) for text in _column(browser, BOARD, 2)]
    assert values == sorted(values, reverse=True), "higher is better: the first click brings the highest up"
    assert len(_find(browser, f"{BOARD} th[aria-sort]")) == 1


def test_the_keyboard_alone_sorts(page: Open) -> None:
    from selenium.webdriver.common.keys import Keys

    browser = page("protocols/frll-cross-v1.html")
    browser.find_element("tag name", "body").send_keys(Keys.TAB)
    assert browser.switch_to.active_element.text == "Skip to content"
    for _ in range(40):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        if browser.switch_to.active_element.text == "Method":
            break
    active = browser.switch_to.active_element
    assert active.text == "Method"
    outline = browser.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none", "the focus must be seen"
    active.send_keys(Keys.ENTER)
    names = _column(browser, BOARD, 1)
    assert names == sorted(names)


def test_filters_hide_rows_and_say_how_many_are_left(page: Open) -> None:
    browser = page("protocols/frll-cross-v1.html")
    tools = browser.execute_script(f"return document.querySelector('{BOARD}').previousElementSibling")
    box = tools.find_element("css selector", ".filter")
    box.send_keys("first-order")
    assert _column(browser, BOARD, 1) == ["first-order-model"]
    assert tools.find_element("css selector", ".count").text == "1 of 5 rows"
    box.clear()
    box.send_keys(" ")
    assert len(_column(browser, BOARD, 1)) == 5
    tools.find_element("css selector", ".only-ranked").click()
    assert "partial" not in _column(browser, BOARD, 1)
    tools.find_element("css selector", ".no-overlap").click()
    assert "dg" not in _column(browser, BOARD, 1) and "oracle" in _column(browser, BOARD, 1)


def test_the_gallery_filters_by_kind_identity_bin_and_failure(page: Open, site: Path) -> None:
    from selenium.webdriver.support.select import Select

    name = next((site / "gallery").glob("frll-cross-v1-embedded--dg-*.html")).name
    browser = page(f"gallery/{name}")
    seen = "return Array.from(document.querySelectorAll('.pair')).filter(p => !p.hidden).map(p => ({...p.dataset}))"
    every = browser.execute_script(seen)
    Select(browser.find_element("id", "g-why")).select_by_value("failed")
    failed = browser.execute_script(seen)
    assert len(failed) == 4 and all(pair["failure"] == "no-face" for pair in failed)
    Select(browser.find_element("id", "g-why")).select_by_value("")
    Select(browser.find_element("id", "g-bin")).select_by_visible_text("60")
    assert {pair["bin"] for pair in browser.execute_script(seen)} == {"60"}
    Select(browser.find_element("id", "g-bin")).select_by_value("")
    Select(browser.find_element("id", "g-failure")).select_by_value("none")
    assert len(browser.execute_script(seen)) == len(every) - 4
    person = every[-1]["identity"]
    Select(browser.find_element("id", "g-identity")).select_by_visible_text(person)
    for pair in browser.execute_script(seen):
        assert person in (pair["identity"], pair["reference"])
    Select(browser.find_element("id", "g-identity")).select_by_value("")
    Select(browser.find_element("id", "g-sort")).select_by_visible_text("pose_error")
    values = [float(pair["m1"]) for pair in browser.execute_script(seen)]
    assert values == sorted(values, reverse=True), "worst first, and lower is better"
    broken = "return Array.from(document.images).filter(i => i.complete && i.naturalWidth === 0).length"
    assert browser.execute_script(broken) == 0


def test_a_chosen_filter_is_in_the_address_and_comes_back(page: Open, site: Path) -> None:
    name = next((site / "gallery").glob("frll-cross-v1-embedded--dg-*.html")).name
    page("methods.html")
    browser = page(f"gallery/{name}#why=failed")
    assert browser.find_element("id", "g-why").get_attribute("value") == "failed"
    assert "4 of " in browser.find_element("css selector", "#gallery-tools .count").text


def test_two_methods_are_compared_both_ways(page: Open) -> None:
    from selenium.webdriver.support.select import Select

    browser = page("compare/frll-cross-v1-embedded.html")
    Select(browser.find_element("id", "c-a")).select_by_visible_text("oracle")
    Select(browser.find_element("id", "c-b")).select_by_visible_text("dg")
    assert browser.find_element("id", "c-verdict").text == "oracle is better than dg on csim."
    cells = [cell.text for cell in _find(browser, "#c-table tbody tr:first-child td")]
    browser.find_element("id", "c-swap").click()
    turned = [cell.text for cell in _find(browser, "#c-table tbody tr:first-child td")]
    assert turned[:2] == cells[1::-1]
    assert turned[2] == "−" + cells[2]
    assert browser.find_element("id", "c-verdict").text == "oracle is better than dg on csim."
    assert "#a=dg&b=oracle" in browser.current_url
    assert len(_find(browser, "#c-people circle")) == 12
    assert len(_find(browser, "#c-bins circle")) == 4
    assert len(_find(browser, "#c-strip img")) > 8
    Select(browser.find_element("id", "c-b")).select_by_visible_text("blur")
    Select(browser.find_element("id", "c-a")).select_by_visible_text("blur")
    assert browser.find_element("id", "c-verdict").text == "Choose two methods."


def _contrast(browser: Any, selector: str) -> float:
    """WCAG contrast of an element's text with the nearest opaque background."""
    script = """
      const parse = c => c.match(/[\\d.]+/g).map(Number);
      let e = document.querySelector(arguments[0]); const ink = parse(getComputedStyle(e).color);
      let back = [255, 255, 255];
      for (; e; e = e.parentElement) {
        const c = parse(getComputedStyle(e).backgroundColor);
        if (c.length < 4 || c[3] === 1) { back = c; break; }
      }
      const line = v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
      const lum = c => { const l = c.slice(0, 3).map(v => line(v / 255));
        return .2126 * l[0] + .7152 * l[1] + .0722 * l[2]; };
      const [a, b] = [lum(ink), lum(back)].sort((x, y) => y - x);
      return (a + .05) / (b + .05);"""
    return browser.execute_script(script, selector)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_in_both_themes(page: Open, theme: str) -> None:
    browser = page("protocols/frll-cross-v1.html")
    browser.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
    selectors = ("body", ".note", "tbody th a", "td small", ".rank.first", ".chip.bad", ".chip.warn", "tr.unranked td",
                 "thead th button", "nav a", ".unit")  # fmt: skip
    assert {
        selector: _contrast(browser, selector) for selector in selectors if _contrast(browser, selector) < 4.5
    } == {}


def test_the_theme_button_goes_round_and_is_remembered(page: Open) -> None:
    browser = page("index.html")
    button = browser.find_element("id", "theme")
    ground = "return getComputedStyle(document.documentElement).backgroundColor"
    seen = []
    for _ in range(3):
        button.click()
        seen.append((button.get_attribute("aria-label"), browser.execute_script(ground)))
    assert [label for label, _ in seen] == [f"Colour theme: {name}" for name in ("light", "dark", "automatic")]
    assert seen[0][1] == "rgb(255, 255, 255)" and seen[1][1] == "rgb(16, 19, 24)"
    button.click()
    button.click()
    browser = page("methods.html")
    assert browser.execute_script(ground) == "rgb(16, 19, 24)"
    browser.execute_script("localStorage.clear()")


def test_a_dark_system_gets_a_dark_page_and_paper_stays_white(page: Open, browser: Any) -> None:
    features = [{"name": "prefers-color-scheme", "value": "dark"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    page("index.html")
    ground = "return getComputedStyle(document.documentElement).backgroundColor"
    assert browser.execute_script(ground) == "rgb(16, 19, 24)"
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": features})
    assert browser.execute_script(ground) == "rgb(255, 255, 255)"
    shown = "return getComputedStyle(document.querySelector('header.top')).display"
    assert browser.execute_script(shown) == "none"
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


def test_a_narrow_window_never_scrolls_sideways(page: Open, browser: Any, site: Path) -> None:
    gallery = next((site / "gallery").iterdir()).name
    names = ("index.html", "protocols/frll-cross-v1.html", "compare/frll-cross-v1-embedded.html", "published.html",
             "methods/dg.html", "metrics.html", f"gallery/{gallery}")  # fmt: skip
    metrics = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    wide = {}
    for name in names:
        page(name)
        width = browser.execute_script("return document.documentElement.scrollWidth")
        if width > 390:
            wide[name] = width
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert wide == {}


def test_every_kind_of_page_opens_without_an_error(page: Open, site: Path) -> None:
    kinds = ["index.html", "methods.html", "metrics.html", "published.html", "methods/dg.html"]
    kinds += [f"protocols/{name}-v1.html" for name in ("voxceleb1-self", "voxceleb1-cross")]
    for name in kinds:
        assert page(name).find_element("tag name", "h1").text
