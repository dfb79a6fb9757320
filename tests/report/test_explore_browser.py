"""The explore page in a real browser, driven as a person would: scrub, play, select, hover, link, keyboard."""

from __future__ import annotations

import re
import shutil
import time
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from dynsparse.dataset import open_dataset
from dynsparse.report.explore_causes import UNKNOWN, RowCauses
from dynsparse.report.explore_folder import most_steps, write_folder
from dynsparse.report.explore_frames import FrameStrip, encode_frames
from dynsparse.report.explore_page import file_page
from dynsparse.report.explore_payload import Exhibit
from dynsparse.report.explore_rollout import read_rollout
from dynsparse.report.explore_scatter import Scatter, scatter_of

from .invented_rollouts import store

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
playwright = pytest.importorskip("playwright.sync_api", reason="no playwright, which drives the browser")

expect = playwright.expect

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium, chromium-browser or google-chrome on PATH")

QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
)  # fmt: skip


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A file and a folder of two environments, one of them under two policies; and the data that they are of."""
    folder = tmp_path_factory.mktemp("explore")
    data = {
        ("Hopper", "paper"): store(folder / "a", "Hopper"),
        ("Hopper", "random"): store(folder / "b", "Hopper", seed=4),
        ("Walker", "paper"): store(folder / "c", "Walker", seed=5),
    }
    datasets = {key: open_dataset(path) for key, path in data.items()}
    exhibits = [_exhibit(dataset, *key) for key, dataset in datasets.items()]
    page = folder / "explore.html"
    made = file_page(exhibits, title="study", notes=("No frames of Walker: nothing can draw",), most_bytes=2**20)
    page.write_text(made.html, encoding="utf-8")
    whole = [Exhibit(read_rollout(datasets["Hopper", "paper"], e, "paper"), FrameStrip.none("-"), Scatter.none("-"))
             for e in (0, 1)]  # fmt: skip
    return page, write_folder(whole, folder / "full", title="full"), datasets


def _exhibit(dataset, environment, policy):
    rollout = read_rollout(dataset, 0, policy, steps=36)
    if environment == "Walker":
        return Exhibit(rollout, FrameStrip.none("nothing can draw here"), Scatter.none("no embedding here"))
    frames = np.zeros((12, 24, 32, 3), dtype=np.uint8)
    frames[:, :, 16:] = 20 * np.arange(12, dtype=np.uint8)[:, None, None, None]
    scatter = scatter_of(rollout.places, rollout.state[:, :2], rollout.zero.mean(axis=(1, 2)), rollout.places)
    labels = np.where(rollout.zero, 2, 0).astype(np.uint8)
    labels[:, 3, 1] = np.where(rollout.zero[:, 3, 1], 3, 0)
    labels[~rollout.finite] = UNKNOWN
    causes = RowCauses({}, rollout.places, labels, {}) if policy == "paper" else None
    return Exhibit(rollout, encode_frames(frames, 3), scatter, causes)


@contextmanager
def opened(chromium, path, fragment="", width=1600, **options):
    """Open a page; afterwards the console was silent and nothing was asked of any network."""
    context = chromium.new_context(viewport={"width": width, "height": 900}, **options)
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda asked: said.append(asked.url) if not asked.url.startswith(("file:", "data:")) else None)
    page.goto(path.as_uri() + fragment)
    expect(page.locator("#clock")).not_to_be_empty()
    try:
        yield page
        assert said == []
    finally:
        context.close()


def clock(page):
    return int(re.match(r"(?:step|row) (\d+) of", page.locator("#clock").inner_text()).group(1))


def assert_named(page, **said):
    """The fragment says this, after a moment at most; None for what it does not say."""
    for _ in range(50):
        pairs = dict(page.evaluate("[...new URLSearchParams(location.hash.slice(1))]"))
        if all(pairs.get(name) == value for name, value in said.items()):
            break
        page.wait_for_timeout(100)
    assert {name: pairs.get(name) for name in said} == said


def cell(page, row, column, states=4):
    """Return where the middle of an element is on the screen."""
    size, left, top, gap = map(float, page.locator("#heatmap").get_attribute("data-cell").split())
    box = page.locator("#heatmap").bounding_box()
    return (
        box["x"] + left + (column + 0.5) * size + (gap if column >= states else 0),
        box["y"] + top + (row + 0.5) * size,
    )


def stored_element(dataset, t, row, column, episode=0):
    rows = dataset.load(["jac_state", "jac_action", "episode", "t"])
    (at,) = np.flatnonzero((rows["episode"] == episode) & (rows["t"] == t))
    return np.concatenate([rows["jac_state"], rows["jac_action"]], axis=2)[at, row, column]


def shown_number(text):
    return float(re.search(r": (\u2212?[\d.e-]+)", text).group(1).replace("\u2212", "-"))


def test_it_fits_a_telephone_and_a_large_screen_in_light_and_dark(chromium, built):
    page_file, _, _ = built
    with opened(chromium, page_file, "#element=3-1", 400) as page:
        for width in (400, 1600):
            page.set_viewport_size({"width": width, "height": 900})
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                page.wait_for_timeout(100)
                across, inside = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
                assert across <= inside == width
                outside = page.evaluate(
                    "[...document.querySelectorAll('h1,h2,p,button,select,canvas,dd,li')].filter(x =>"
                    " x.getBoundingClientRect().right > innerWidth + 1).map(x => x.outerHTML.slice(0, 80))"
                )
                assert outside == []
                paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
                assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
                # Names of the heat map are no smaller than 10 pixels, cells no narrower than their letters.
                assert float(page.locator("#heatmap").get_attribute("data-cell").split()[0]) >= 11
        assert page.locator("#notes").inner_text() == "No frames of Walker: nothing can draw"


def test_values_on_the_page_are_those_of_the_data_set(chromium, built):
    page_file, _, datasets = built
    dataset = datasets["Hopper", "paper"]
    with opened(chromium, page_file) as page:
        for t, row, column in ((0, 0, 1), (9, 3, 1), (9, 2, 5), (30, 1, 4), (35, 3, 3)):
            page.evaluate(f"location.hash = '#env=Hopper&policy=paper&t={t}&element={row}-{column}'")
            expect(page.locator("#clock")).to_contain_text(f"step {t} of")
            said = page.locator("#readout").inner_text()
            value = stored_element(dataset, t, row, column)
            if abs(value) < 1e-15:
                assert ": 0 (|x| < 1e-15)" in said
            else:
                # Two digits of a number that is known to 9 %.
                assert shown_number(said) == pytest.approx(value, rel=0.09 + 0.05)
                assert "(\u00b1 9 %)" in said
        names = "next qvel leg by qpos leg"
        page.evaluate("location.hash = '#env=Hopper&policy=paper&t=9&element=3-1'")
        expect(page.locator("#clock")).to_contain_text("step 9 of")
        assert page.locator("#readout").inner_text().startswith(names)
        assert "(rad/s) per rad" in page.locator("#readout").inner_text()
        zeros = page.locator("#facts").inner_text()
        assert f"{100 * 3 / 24:.1f} %" in zeros and "contact foot-floor" in zeros
        page.evaluate("location.hash = '#env=Hopper&policy=paper&t=21&element=0-1'")
        expect(page.locator("#clock")).to_contain_text("step 21 of")
        assert "not finite at this step" in page.locator("#readout").inner_text()


def test_scrub_by_slider_timeline_and_buttons(chromium, built):
    page_file, _, _ = built
    with opened(chromium, page_file) as page:
        page.locator("#slider").fill("10")
        assert clock(page) == 10
        first = page.locator("#picture img").get_attribute("src")
        assert page.locator("#film-title").inner_text() == "Frame of step 9 (every 3 steps)"
        plot = page.locator("#timeline .u-over").bounding_box()
        page.mouse.move(plot["x"] + plot["width"] * 20.5 / 36, plot["y"] + 40)
        page.mouse.down()
        assert clock(page) == 20
        page.mouse.move(plot["x"] + plot["width"] * 30.5 / 36, plot["y"] + 40)
        page.mouse.up()
        assert clock(page) == 30
        page.mouse.move(plot["x"] + plot["width"] * 3.5 / 36, plot["y"] + 40)
        assert clock(page) == 30  # let go
        assert page.locator("#picture img").get_attribute("src") != first
        page.locator("#back").click()
        page.locator("#back").click()
        page.locator("#forward").click()
        assert clock(page) == 29
        assert_named(page, t="29")


def test_play_runs_and_stops_at_the_end(chromium, built):
    page_file, _, _ = built
    with opened(chromium, page_file) as page:
        page.locator("#speed").select_option("0.1")  # 7 s, so that there is time to look
        page.locator("#play").click()
        assert page.locator("#play").get_attribute("aria-pressed") == "true"
        page.locator("#speed").select_option("1")
        expect(page.locator("#clock")).to_contain_text("step 35 of")
        expect(page.locator("#play")).to_have_text("Play")
        assert_named(page, t="35")


def test_little_motion_is_two_steps_a_second(chromium, built):
    page_file, _, _ = built
    with opened(chromium, page_file, reduced_motion="reduce") as page:
        page.locator("#speed").select_option("1")
        start = time.monotonic()
        page.locator("#play").click()
        page.wait_for_timeout(1200)
        page.locator("#play").click()
        # 1.2 s of real time would be all 36 steps.
        assert 1 <= clock(page) <= 2 * (time.monotonic() - start) + 1


def test_hover_names_an_element_and_a_click_follows_it(chromium, built):
    page_file, _, datasets = built
    with opened(chromium, page_file, "#t=9") as page:
        page.mouse.move(*cell(page, 2, 5))
        tip = page.locator("#tip").inner_text()
        value = stored_element(datasets["Hopper", "paper"], 9, 2, 5)
        assert tip.startswith("next qvel cart by turn\n")
        assert "(m/s) per unit of action" in tip and "turn =" in tip
        assert shown_number(tip.replace("\n", ": ", 1)) == pytest.approx(value, rel=0.14)
        page.mouse.move(5, 5)
        assert page.locator("#tip").is_hidden()
        page.mouse.click(*cell(page, 3, 1))
        assert page.locator("#element-title").inner_text() == "Element: next qvel leg by qpos leg"
        # By hand: zero in mode A, 8 steps each, but for the step that is not finite, in which the last stretch breaks.
        entries = page.locator("#stretches button").all_inner_texts()
        told = [re.match(r"(.*?):? ?(zero|not zero|not finite)", entry).groups() for entry in entries]
        assert told == [
            ("steps 0 to 7", "zero"), ("steps 8 to 15", "not zero"), ("steps 16 to 20", "zero"),
            ("step 21", "not finite"), ("steps 22 to 23", "zero"), ("steps 24 to 31", "not zero"),
            ("steps 32 to 35", "zero"),
        ]  # fmt: skip
        assert "contact-off" in entries[0]
        assert page.locator("#element-words").inner_text().startswith("Zero in 19 steps of 36 (52.8 %), in 4 stretches")
        assert page.locator("#stretches [aria-current=true]").inner_text().startswith("steps 8 to 15")
        page.locator("#stretches button").nth(5).click()
        assert clock(page) == 24
        assert_named(page, element="3-1")
        page.mouse.click(*cell(page, 3, 1))  # once more lets it go
        assert_named(page, element=None)


def test_what_the_pointer_rests_on_is_told_anew_at_each_step_and_forgotten_with_the_rollout(chromium, built):
    page_file, _, datasets = built
    with opened(chromium, page_file, "#t=9") as page:
        page.mouse.move(*cell(page, 2, 5))
        before = page.locator("#tip").inner_text()
        page.keyboard.press("ArrowRight")
        after = page.locator("#tip").inner_text()
        value = stored_element(datasets["Hopper", "paper"], 10, 2, 5)
        assert after != before and shown_number(after.replace("\n", ": ", 1)) == pytest.approx(value, rel=0.14)
        other = next(name for name, _ in datasets if name != "Hopper")
        page.evaluate(f"location.hash = 'env={other}&t=1'")
        page.wait_for_function(f"document.getElementById('environment').value === '{other}'")
        assert page.locator("#tip").is_hidden()
        assert "undefined" not in page.locator("body").inner_text()
        assert page.locator("#readout").inner_text().startswith("Point at an element")


def test_switches_are_listed_and_jumped_to(chromium, built):
    page_file, _, _ = built
    with opened(chromium, page_file) as page:
        entries = page.locator("#switches button")
        assert [re.match(r"step (\d+)", text).group(1) for text in entries.all_inner_texts()] == ["8", "16", "24", "32"]
        assert "2 become non-zero" in entries.nth(0).inner_text()
        assert "contact foot-floor on" in entries.nth(0).inner_text()
        assert "contact foot-floor off" in entries.nth(1).inner_text()
        entries.nth(2).click()
        assert clock(page) == 24
        page.locator("#previous").click()
        assert clock(page) == 16
        page.locator("#next").click()
        page.locator("#next").click()
        page.locator("#next").click()  # there is none behind the last
        assert clock(page) == 32
        assert entries.nth(3).get_attribute("aria-current") == "true"
        assert "contact foot-floor: active in 16 steps" in page.locator("#lanes").inner_text()


@pytest.fixture(scope="module")
def rounded(built, tmp_path_factory):
    """A page of one rollout with round-off in it, at both precisions: as a file and as a folder."""
    _, _, datasets = built
    rollout = read_rollout(datasets["Hopper", "paper"], 0, "paper", steps=36)
    jacobian = rollout.jacobian.copy()
    jacobian[[3, 4, 12], 1, 0] = -1e-14  # else 1e-17
    jacobian[8, 2, 0] = 5e-13  # else 0; the pattern changes at 8 in any case
    jacobian[26:28, 3, 0], jacobian[28:, 3, 0] = 1e-14, 1e-3  # 0 before: begins as round-off, then is none
    exhibit = Exhibit(replace(rollout, jacobian=jacobian), FrameStrip.none("-"), Scatter.none("-"))
    folder = tmp_path_factory.mktemp("rounded")
    (folder / "page.html").write_text(file_page([exhibit], title="r", most_bytes=2**20).html, encoding="utf-8")
    return folder / "page.html", write_folder([exhibit], folder / "full", title="r")


@pytest.mark.parametrize("kind", [0, 1])
def test_switches_that_are_round_off_are_skipped_or_marked(chromium, rounded, kind):
    def listed():
        return [int(text) for text in re.findall(r"step (\d+):", page.locator("#switches").inner_text())]

    with opened(chromium, rounded[kind]) as page:
        # By hand, of |x| < 1e-15: element 1-0 at 3, 5, 12 and 13, 2-0 at 8 and 9, 3-0 at 26; of |x| < 1e-12: 3-0 at 28.
        assert "changes at 10 steps of 35; with all that is below 1e-12, round-off, taken for zero, at 5." in (
            page.locator("#switches-words").inner_text()
        )
        assert listed() == [8, 16, 24, 28, 32]
        assert "pattern switches: 5 steps\n" in page.locator("#lanes").inner_text() + "\n"
        for t in (8, 16, 24, 28, 32, 32):
            page.keyboard.press("]")
            assert clock(page) == t
        page.locator("#skip").focus()
        page.keyboard.press(" ")  # which plays nothing here
        assert page.locator("#play").inner_text() == "Play"
        assert listed() == [3, 5, 8, 9, 12, 13, 16, 24, 26, 32]
        marked = page.locator("#switches button").filter(has_text="round-off").all_inner_texts()
        assert [int(re.match(r"step (\d+)", text).group(1)) for text in marked] == [3, 5, 9, 12, 13, 26]
        assert "pattern switches: 10 steps, of them 6 by round-off (short)" in page.locator("#lanes").inner_text()
        page.keyboard.press("[")
        assert clock(page) == 26
        assert "dotted: by round-off" in page.locator("#legend").inner_text()
        assert "zeros of both, all below 1e-12 taken for zero" in page.locator("#keys").inner_text()


def test_an_element_says_that_round_off_breaks_its_stretches(chromium, rounded):
    with opened(chromium, rounded[0], "#t=3&element=1-0") as page:
        # 36 steps less the one that is not finite and the three; broken by 3 to 4, by 12, and by the one.
        assert page.locator("#element-words").inner_text() == (
            "Zero in 32 steps of 36 (88.9 %), in 4 stretches. 2 stretches of non-zeros are round-off, below 1e-12 "
            "throughout: taken for zero, they leave 2 stretches of zeros."
        )
        assert "(\u00b1 9 %), below 1e-12: round-off; here qpos cart = " in page.locator("#readout").inner_text()
        marked = page.locator("#stretches button").filter(has_text="round-off").all_inner_texts()
        assert [text.split(":")[0] for text in marked] == ["steps 3 to 4", "step 12"]
        page.evaluate("location.hash = '#t=3&element=3-0'")
        # From 26 to the end: not round-off throughout.
        expect(page.locator("#element-title")).to_contain_text("next qvel leg by qpos cart")
        assert "round-off" not in page.locator("#element-words").inner_text()


def test_without_round_off_nothing_is_said_of_it(chromium, built):
    with opened(chromium, built[0]) as page:
        assert page.locator("#skip-label").is_hidden()
        for place in ("#switches-words", "#switches", "#lanes", "#keys", "#legend"):
            assert "round-off" not in page.locator(place).inner_text(), place


def test_a_link_opens_its_state_and_history_goes_back(chromium, built):
    page_file, _, _ = built
    link = "#env=Hopper&policy=random&episode=0&t=17&element=2-5&view=causes"
    with opened(chromium, page_file, link) as page:
        assert [page.locator(f"#{name}").input_value() for name in ("environment", "policy", "episode")] == [
            "Hopper", "random", "0",
        ]  # fmt: skip
        assert clock(page) == 17
        assert page.locator("#element-title").inner_text() == "Element: next qvel cart by turn"
        assert page.locator("#view-causes").get_attribute("aria-pressed") == "true"
        assert "was not measured: dynsparse explore DIR --causes Hopper" in page.locator("#no-causes").inner_text()
        page.locator("#environment").select_option("Walker")
        expect(page.locator("#no-frame")).to_contain_text("nothing can draw here")
        assert page.locator("#no-embedding").inner_text() == "no embedding here"
        assert_named(page, env="Walker", policy="paper", episode="0", t="0", view="causes", element=None)
        page.go_back()
        expect(page.locator("#environment")).to_have_value("Hopper")
        assert clock(page) == 17 and page.locator("#policy").input_value() == "random"
        page.go_forward()
        expect(page.locator("#environment")).to_have_value("Walker")
        # What is not there becomes the nearest that is.
        page.evaluate("location.hash = '#env=Nowhere&policy=none&episode=9&t=999&element=77-1&view=odd'")
        expect(page.locator("#environment")).to_have_value("Hopper")
        assert_named(page, env="Hopper", policy="paper", episode="0", t="35", view="magnitude", element=None)


def test_everything_by_keyboard(chromium, built):
    page_file, _, _ = built
    with opened(chromium, page_file) as page:
        for key, t in (
            ("ArrowRight", 1), ("Shift+ArrowRight", 11), ("ArrowLeft", 10), ("]", 16), ("[", 8), ("End", 35),
            ("Home", 0),
        ):  # fmt: skip
            page.keyboard.press(key)
            assert clock(page) == t, key
        page.keyboard.press(" ")
        expect(page.locator("#clock")).not_to_contain_text("step 0 of")
        page.keyboard.press(" ")
        assert page.locator("#play").inner_text() == "Play"
        page.keyboard.press("Home")
        page.locator("#heatmap").focus()
        style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert style == "solid"
        for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp"):
            page.keyboard.press(key)
        assert clock(page) == 0
        assert page.locator("#readout").inner_text().startswith("next qvel cart by qpos leg")
        page.keyboard.press("v")
        assert page.locator("#view-causes").get_attribute("aria-pressed") == "true"
        assert "symmetry" in page.locator("#legend").inner_text()
        page.keyboard.press("Escape")
        assert page.locator("#no-element").is_visible()
        unnamed = page.evaluate(
            "[...document.querySelectorAll('button,select,input,canvas')].filter(x => !(x.getAttribute('aria-label') ||"
            " x.textContent.trim() || x.labels?.length || x.getAttribute('aria-hidden'))).map(x => x.outerHTML)"
        )
        assert unnamed == []


def test_the_embedding_shows_the_moment_and_leads_to_others(chromium, built):
    page_file, _, _ = built
    with opened(chromium, page_file, "#t=12") as page:
        assert "Ring: step 12" in page.locator("#embedding-words").inner_text()
        x, y = map(float, page.locator("#scatter").get_attribute("data-at").split())
        page.keyboard.press("End")
        assert page.locator("#scatter").get_attribute("data-at") != f"{x} {y}"
        page.locator("#scatter").click(position={"x": x, "y": y})
        assert clock(page) == 12


def test_causes_and_zeros_look_different_from_small_numbers(chromium, built):
    page_file, _, _ = built
    # A copy is read: a canvas that is often read would warn on the console.
    colour = """([x, y]) => {
      const canvas = document.querySelector('#heatmap'), box = canvas.getBoundingClientRect(), r = devicePixelRatio;
      const copy = Object.assign(document.createElement('canvas'), {width: canvas.width, height: canvas.height});
      const context = copy.getContext('2d', {willReadFrequently: true});
      context.drawImage(canvas, 0, 0);
      return [...context.getImageData((x - box.x - 8) * r, (y - box.y - 8) * r, 1, 1).data].slice(0, 3);
    }"""
    with opened(chromium, page_file, "#t=3") as page:
        zero, small = (page.evaluate(colour, cell(page, *place)) for place in ((3, 1), (0, 0)))
        assert min(zero) > 230 and max(small) - min(small) > 30
        page.keyboard.press("v")
        contact, symmetry = (page.evaluate(colour, cell(page, *place)) for place in ((3, 1), (1, 0)))
        assert (contact, symmetry) == ([0x00, 0x9E, 0x73], [0xE6, 0x9F, 0x00])


def test_a_folder_loads_what_is_chosen_with_every_digit(chromium, built):
    _, folder_page, datasets = built
    dataset = datasets["Hopper", "paper"]
    with opened(chromium, folder_page, "#episode=1&t=38&element=0-2") as page:
        said = page.locator("#readout").inner_text()
        assert shown_number(said) == pytest.approx(stored_element(dataset, 38, 0, 2, episode=1), rel=1e-7)
        page.locator("#episode").select_option("0")
        expect(page.locator("#readout")).not_to_have_text(said)
        value = stored_element(dataset, 38, 0, 2, episode=0)
        assert shown_number(page.locator("#readout").inner_text()) == pytest.approx(value, rel=1e-7)


def failing(folder_page, tmp_path, change):
    """Return the page of a copy of a folder, after a change to its data."""
    shutil.copytree(folder_page.parent, tmp_path / "copy")
    change(tmp_path / "copy" / "data")
    return tmp_path / "copy" / "index.html"


def first(data):
    return data / "rollout-0.js"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (shutil.rmtree, "data/rollout-0.js is not beside this page; write the folder again"),
        (
            lambda data: first(data).write_bytes(first(data).read_bytes()[:5000]),
            "data/rollout-0.js is damaged: it delivers nothing; write the folder again",
        ),
        (
            lambda data: first(data).write_text('dynsparseDeliver("data/rollout-0.js",{"environment":"A"})'),
            "data/rollout-0.js does not hold Hopper, paper, episode 0 (its environment is A); write the folder again",
        ),
        (
            lambda data: first(data).write_text(first(data).read_text().replace('"zero":"', '"zero":"%')),
            "data/rollout-0.js does not hold Hopper, paper, episode 0 (",
        ),
    ],
)
def test_a_folder_whose_data_do_not_come_says_so_and_waits_no_longer(chromium, built, tmp_path, change, said):
    context = chromium.new_context()
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(failing(built[1], tmp_path, change).as_uri())
    expect(page.locator("#failed")).to_contain_text(said)
    assert page.locator("body").get_attribute("aria-busy") is None
    assert page.locator("#environment").input_value() == "Hopper"
    for key in ("End", "Home", " ", "]", "v", "Escape", "ArrowRight"):
        page.keyboard.press(key)
    page.locator("#heatmap").focus()
    page.keyboard.press("ArrowDown")
    page.set_viewport_size({"width": 500, "height": 700})
    # The other episode is there, and can be chosen.
    if change is not shutil.rmtree:
        page.locator("#episode").select_option("1")
        expect(page.locator("#clock")).to_contain_text("step 0 of 39")
        assert page.locator("#failed").is_hidden()
        page.locator("#slider").fill("7")
        page.locator("#episode").select_option("0")
        expect(page.locator("#failed")).to_contain_text(said)
        # What was shown stays, and lists and address say so.
        assert page.locator("#episode").input_value() == "1" and clock(page) == 7
        assert_named(page, episode="1", t="7")
    # What can not be parsed is an error of its script; the page itself makes none, whatever is pressed.
    assert [error for error in errors if "Invalid or unexpected token" not in error] == []
    context.close()


def test_data_that_never_come_are_given_up(chromium, built):
    context = chromium.new_context()
    page = context.new_page()
    page.clock.install()
    # A script whose answer is held back for ever.
    page.add_init_script(
        "const append = Element.prototype.append; Element.prototype.append = function (...x) {"
        " if (!(x[0] instanceof HTMLScriptElement)) append.apply(this, x); };"
    )
    page.goto(built[1].as_uri())
    assert page.locator("body").get_attribute("aria-busy") == "true"
    page.clock.fast_forward(119_000)
    assert page.locator("#failed").is_hidden()
    page.clock.fast_forward(2_000)
    expect(page.locator("#failed")).to_have_text(
        "data/rollout-0.js has not come in 120 s; choose it again to wait for it again"
    )
    assert page.locator("body").get_attribute("aria-busy") is None
    context.close()


def test_the_four_rollouts_looked_at_last_stay_in_memory(chromium, built, tmp_path):
    whole = Exhibit(read_rollout(built[2]["Hopper", "paper"], 0, "paper"), FrameStrip.none("-"), Scatter.none("-"))
    many = [replace(whole, rollout=replace(whole.rollout, episode=episode)) for episode in range(6)]
    with opened(chromium, write_folder(many, tmp_path / "full", title="full")) as page:
        asked = []
        page.on("request", lambda request: asked.append(int(re.search(r"rollout-(\d)", request.url).group(1))))

        def choose(*episodes):
            asked.clear()
            for episode in episodes:
                page.locator("#episode").select_option(str(episode))
                assert_named(page, episode=str(episode))
            return asked

        assert choose(1, 2, 3) == [1, 2, 3]
        assert choose(0, 1) == []
        # 2 is the one that was not looked at for longest, not 0, which came first.
        assert choose(4) == [4]
        assert choose(0, 1, 3) == []
        assert choose(2) == [2]


def test_a_rollout_of_many_steps_is_shown(chromium, built, tmp_path):
    """As many as a folder holds of one rollout."""
    short = read_rollout(built[2]["Hopper", "paper"], 0, "paper")
    steps = most_steps(24)
    assert steps == 10_000
    places = np.arange(steps) % 20  # all finite
    along = ("places", "state", "action", "reward", "jacobian", "active", "finite", "mocap_pos", "mocap_quat")
    long = replace(short, **{name: getattr(short, name)[places] for name in along}, episode_steps=1_000_000)
    exhibit = Exhibit(long, FrameStrip.none("-"), Scatter.none("-"))
    with opened(chromium, write_folder([exhibit], tmp_path / "full", title="full"), "#element=3-1") as page:
        assert page.locator("#clock").inner_text() == "step 0 of 9999, 0.00 s"
        # The mode changes at 8 and at 16 of each 20 steps; before and after, 12 steps, it is A.
        assert "changes at 1,000 steps of 9999" in page.locator("#switches-words").inner_text()
        page.keyboard.press("End")
        page.keyboard.press("[")
        assert clock(page) == 9_996
        assert "Zero in 6,000 steps of 10000 (60.0 %)" in page.locator("#element-words").inner_text()
