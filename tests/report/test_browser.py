"""The page in a real browser: it loads, says nothing on the console, and fits a telephone and a large screen."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess

import pytest

from .invented_causes import switched_causes
from .switched import switched_report
from .written import write_page

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WIDTHS = (400, 1600)

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium, chromium-browser or google-chrome on PATH")

# Frames, because a window can not be made narrower than 500 pixels.  The page itself stays as it was written.
WATCHER = """<!DOCTYPE html><title>watcher</title><body>FRAMES<pre id="found"></pre><script>
addEventListener("load", () => {
  const found = [...document.querySelectorAll("iframe")].map((frame) => {
    const page = frame.contentDocument, root = page.documentElement;
    const images = [...page.images];
    const clipped = [...page.querySelectorAll("h1, h2, p, li, figcaption, summary")].filter(
      (element) => element.getBoundingClientRect().right > root.clientWidth + 1);
    return {
      width: root.clientWidth, scroll: root.scrollWidth, title: page.title, images: images.length,
      broken: images.filter((image) => !(image.complete && image.naturalWidth > 0)).length,
      clipped: clipped.length, letters: parseFloat(page.defaultView.getComputedStyle(page.body).fontSize),
      captions: Math.min(...[...page.querySelectorAll("figcaption, td")].map(
        (element) => parseFloat(page.defaultView.getComputedStyle(element).fontSize))),
    };
  });
  document.getElementById("found").textContent = JSON.stringify(found);
});
</script></body>"""


def look(page, folder):
    """Return what each frame holds, and what the console says."""
    frames = "".join(
        f'<iframe src="{page.as_uri()}" style="border:0;width:{width}px;height:900px"></iframe>' for width in WIDTHS
    )
    watcher = folder / "watcher.html"
    watcher.write_text(WATCHER.replace("FRAMES", frames), encoding="utf-8")
    command = [
        BROWSER,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        "--allow-file-access-from-files",
        "--enable-logging=stderr",
        "--virtual-time-budget=20000",
        f"--user-data-dir={folder / 'profile'}",
        "--dump-dom",
        watcher.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    shown = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return json.loads(html.unescape(shown.group(1))), console


def test_the_page_loads_and_fits(tmp_path):
    names = tuple(f"qvel right_ankle_{index}" for index in range(2))
    reports = [switched_report("SwimmerSwimmer6", names=names), switched_report("CheetahRun", missing=(3,))]
    page = write_page(reports, tmp_path / "report.html", causes={"CheetahRun": switched_causes("CheetahRun")})
    frames, console = look(page, tmp_path)
    assert console == []
    assert [frame["width"] for frame in frames] == list(WIDTHS)
    for frame in frames:
        assert frame["title"] == "Where the transition Jacobian is zero"
        assert (frame["images"], frame["broken"]) == (16, 0)
        assert frame["scroll"] <= frame["width"]
        assert frame["clipped"] == 0
        assert frame["letters"] >= 16 and frame["captions"] >= 13


def test_planted_faults_are_seen(tmp_path):
    page = tmp_path / "bad.html"
    page.write_text(
        "<!DOCTYPE html><title>bad</title><body style='margin:0'><img src='data:image/png;base64,AAAA' alt=''>"
        "<p style='width:500px'>wide</p><script>console.error('planted')</script></body>",
        encoding="utf-8",
    )
    (narrow, wide), console = look(page, tmp_path)
    assert len(console) == len(WIDTHS) and "planted" in console[0]
    assert narrow["broken"] == wide["broken"] == 1
    assert narrow["scroll"] > narrow["width"] and wide["scroll"] <= wide["width"]
    assert (narrow["clipped"], wide["clipped"]) == (1, 0)
