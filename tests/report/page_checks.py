"""Checks on a page: what is wrong with its HTML, seen by a parser that forgives nothing."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser

_VOID = {"meta", "link", "img", "br", "input"}


class PageReader(HTMLParser):
    """Reads a page; ``faults`` lists what is wrong."""

    def __init__(self):
        super().__init__()
        self.faults: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.images: list[dict[str, str]] = []
        self.tags: list[str] = []
        self.words: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag, attrs):
        attributes = {key: value or "" for key, value in attrs}
        self.tags.append(tag)
        if len(attributes) != len(attrs):
            self.faults.append(f"{tag} has an attribute twice")
        if tag not in _VOID:
            self._open.append(tag)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        for name in ("src", "href", "srcset", "action", "data"):
            if name in attributes and not attributes[name].startswith(("data:", "#")):
                self.faults.append(f"{tag} loads {attributes[name]}")
        self.faults += [f"{tag} has {name}" for name in attributes if name.startswith("on")]
        if tag == "a":
            self.links.append(attributes["href"])
        if tag == "img":
            self.images.append(attributes)

    def handle_endtag(self, tag):
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")

    def handle_data(self, data):
        self.words.append(data)

    def close(self):
        super().close()
        self.faults += [f"{tag} is not closed" for tag in self._open]
        self.faults += [f"id {name} twice" for name in set(self.ids) if self.ids.count(name) > 1]
        self.faults += [f"{link} leads nowhere" for link in self.links if link.removeprefix("#") not in self.ids]
        self.faults += ["an image says nothing" for image in self.images if len(image.get("alt", "")) < 10]

    @property
    def text(self) -> str:
        return "".join(self.words)


def read_page(page: str) -> PageReader:
    """Read a page and find what is wrong with it."""
    reader = PageReader()
    reader.feed(page)
    reader.close()
    if not page.startswith("<!DOCTYPE html>\n"):
        reader.faults.append("no doctype")
    if re.search(r"@import|url\((?!data:)", page) or "://" in page:
        reader.faults.append("refers to another file")
    for image in reader.images:
        svg = base64.b64decode(image["src"].partition("base64,")[2]).decode("utf-8")
        if re.search(r"""(href|src)=["'](?!#|data:)""", svg) or "<script" in svg:
            reader.faults.append("an image refers to another file")
    return reader
