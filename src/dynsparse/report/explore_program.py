"""Program: the scripts and the style of the explore page, as one text each, libraries with their licence."""

from __future__ import annotations

import re
from importlib import resources

__all__ = ["page_template", "script", "style"]

_MODULES = (
    "codec",
    "rollout",
    "store",
    "place",
    "palette",
    "canvas",
    "list",
    "words",
    "heatmap",
    "legend",
    "timeline",
    "lanes",
    "element",
    "scatter",
    "film",
    "switches",
    "choices",
    "keyboard",
    "player",
    "page",
)
"""In the order in which they need each other; each defines one name."""

_BANNER = re.compile(r"^/\*!.*?\*/\s*", re.DOTALL)


def page_template() -> str:
    """Return the page with ``$names`` for what goes into it."""
    return _read("page.html")


def style() -> str:
    """Return the style of the page and of the plotting library."""
    return f"{_licence()}\n{_BANNER.sub('', _read('vendor/uPlot.min.css'))}\n{_read('page.css')}"


def script() -> str:
    """Return the plotting library and the page's own modules, in an own scope."""
    library = _BANNER.sub("", _read("vendor/uPlot.iife.min.js"))
    own = "\n".join(_read(f"{name}.js") for name in _MODULES)
    return f'{_licence()}\n{library}\n(() => {{\n"use strict";\n{own}\n}})();'


def _licence() -> str:
    """Return the library's licence as a comment: what its minified file begins with names an address in its place."""
    return f"/* uPlot 1.6.32\n{_read('vendor/uPlot-LICENSE.txt').strip()}\n*/"


def _read(name: str) -> str:
    return resources.files("dynsparse.report").joinpath(f"data/explore/{name}").read_text(encoding="utf-8")
