"""Picture: a figure inside a page, with its caption and with words for a reader who can not see it."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable

from matplotlib.figure import Figure

from dynsparse.report.figure import render
from dynsparse.report.markup import box, element, prose, text

__all__ = ["picture"]

_SIZE = re.compile(rb'<svg[^>]* width="([\d.]+)pt"')
# Pixels of a web page to a point of print; a column of the page's grid (23rem).
_POINT = 96 / 72
_COLUMN = 368
# How much an image may be made smaller before its letters are too small.
_SHRINKS = 0.8


def picture(
    draw: Callable[[], Figure],
    *,
    name: str,
    label: str,
    title: str,
    sentences: str,
    source: str = "",
    anchor: str | None = None,
) -> str:
    """Return a figure as HTML: the image inside, nothing to load.

    Args:
        draw: Draws it.
        name: Its kind, as a class of the element.
        label: What is in it, for a reader who can not see it.
        title: Short title.
        sentences: What it shows.
        source: The paper's figure of this kind; empty for none.
        anchor: Its place in the page; None for none.

    Returns:
        HTML; a figure that is too wide for a telephone scrolls in its own box.
    """
    (svg,) = render(draw, ("svg",))
    data = f"data:image/svg+xml;base64,{base64.b64encode(svg).decode('ascii')}"
    size = _SIZE.search(svg)
    width = _POINT * float(size.group(1)) if size else 0.0
    wide = _SHRINKS * width > _COLUMN
    if wide:
        style = f"min-width: {_SHRINKS * width:.0f}px; max-width: {1.1 * width:.0f}px"
        image = box(element("img", src=data, alt=label, style=style), label)
    else:
        image = element("img", src=data, alt=label)
    written = element("span", text(f" The paper's {source}."), class_="source") if source else ""
    caption = element("figcaption", element("strong", text(f"{title}.")), " ", prose(sentences), written)
    place = {} if anchor is None else {"id": anchor}
    return element("figure", image, caption, class_=f"{name} wide" if wide else name, **place)
