"""What a model file grows to when it is compiled: copies, grids and sizes, counted before MuJoCo sees it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from dynsparse.errors import EnvironmentFileError
from dynsparse.physics.sources.mjcf_tree import MOST_ELEMENTS, Element

__all__ = ["Growth", "check_picture", "measure"]

MOST_COPIES = 10_000
"""Of what stands in nested ``<replicate>``."""
MOST_ATTACHED = 2_000
"""Models that are attached, each copy counted: MuJoCo takes time that grows with the square of it."""
MOST_READ = 1_000
"""Times that MuJoCo reads a ``<model>``: one that two others name is read twice."""
MOST_MEMORY_BITS = 33
"""A model may ask for 8 GiB."""
MOST_GRID = 2**24
"""Points of a height field, of a texture or of a mesh that MuJoCo makes: 4096 x 4096."""
MOST_POINTS = 2**27
"""Of all height fields and textures."""
MOST_USER = 1_000
MOST_DATA = 1_000_000

_GRIDS = ("hfield", "texture")
_MADE = ("flexcomp", "composite")
"""Elements of which MuJoCo makes as many parts as their count says."""

_LIMITS: tuple[tuple[str, tuple[str, ...], int], ...] = (
    ("hfield", ("nrow", "ncol"), MOST_GRID),
    ("texture", ("width", "height"), MOST_GRID),
    ("texture", ("nchannel",), 16),
    ("flexcomp", ("count",), MOST_COPIES),
    ("composite", ("count",), MOST_COPIES),
    *(
        ("size", (f"nuser_{kind}",), MOST_USER)
        for kind in ("body", "jnt", "geom", "site", "cam", "tendon", "actuator", "sensor")
    ),
    ("size", ("nuserdata",), MOST_DATA),
    ("size", ("nkey",), MOST_DATA),
    ("size", ("njmax",), MOST_DATA),
    ("size", ("nconmax",), MOST_DATA),
    ("size", ("nstack",), 2 ** (MOST_MEMORY_BITS - 3)),
)
"""Elements, the attributes whose whole numbers are multiplied, and what they may come to."""

_WHOLE = re.compile(r"[+-]?[0-9]{1,20}")
_SPACE = " \t\n\r\v\f"


@dataclass(frozen=True)
class Growth:
    """What a model, or a part of it, is when it is compiled.

    Attributes:
        elements: its elements, each copy counted.
        attached: models that are attached in it, each copy counted.
        copies: most copies of one of its elements.
        points: of its height fields and textures.
        read: times that MuJoCo reads a model in it.
    """

    elements: int = 0
    attached: int = 0
    copies: int = 1
    points: int = 0
    read: int = 0

    def more(self, times: int, other: Growth) -> Growth:
        """Return this with another attached to it some times."""
        return Growth(
            self.elements + times * other.elements,
            self.attached + times * (1 + other.attached),
            max(self.copies, times * other.copies),
            self.points,
            self.read,
        )


def measure(root: Element, models: Mapping[str, Growth]) -> Growth:
    """Count what a model grows to, and refuse what grows beyond all measure, or runs code of its own.

    Args:
        root: the model, includes put in.
        models: what each ``<model>`` of it grows to, by its name.

    Raises:
        EnvironmentFileError: naming the element, and the limit.
    """
    inner = models.values()
    found = Growth(points=sum(part.points for part in inner), read=sum(1 + part.read for part in inner))
    if found.read > MOST_READ:
        raise EnvironmentFileError(
            f"{root.file}: its <model> elements, and theirs, name more than {MOST_READ:,} models; name fewer"
        )
    waiting = [(root, 1)]
    while waiting:
        element, copies = waiting.pop()
        if element.tag == "replicate":
            copies *= max(1, math.prod(_whole(element, "count")))
        size = _size(element)
        made = size if element.tag in _MADE else 1
        points = found.points + (size if element.tag in _GRIDS else 0)
        found = Growth(found.elements + copies * made, found.attached, max(found.copies, copies), points, found.read)
        if element.tag == "attach":
            found = found.more(copies, _attached(element, found, models))
        if found.copies > MOST_COPIES:
            raise EnvironmentFileError(f"{element.place}: more than {MOST_COPIES:,} copies; make fewer")
        if found.attached > MOST_ATTACHED:
            raise EnvironmentFileError(f"{element.place}: more than {MOST_ATTACHED:,} attached copies; make fewer")
        if found.elements > MOST_ELEMENTS:
            raise EnvironmentFileError(
                f"{element.place}: more than {MOST_ELEMENTS:,} elements, copies included; make fewer"
            )
        if found.points > MOST_POINTS:
            raise EnvironmentFileError(
                f"{element.place}: more than {MOST_POINTS:,} points of height fields and textures; make them smaller"
            )
        waiting += [(child, copies) for child in reversed(element.children)]
    return found


def check_picture(element: Element, content: bytes) -> None:
    """Refuse a PNG file that unpacks to more than a grid may have.

    Raises:
        EnvironmentFileError: naming the element, and the limit.
    """
    if content.startswith(b"\x89PNG\r\n\x1a\n") and len(content) >= 24:
        width, height = (int.from_bytes(content[place : place + 4]) for place in (16, 20))
        if width * height > MOST_GRID:
            raise EnvironmentFileError(
                f"{element.place}: a picture of {width:,} x {height:,} pixels, more than {MOST_GRID:,}; make it smaller"
            )


def _attached(element: Element, so_far: Growth, models: Mapping[str, Growth]) -> Growth:
    """What an ``<attach>`` attaches, or the largest that it could."""
    name = element.attributes.get("model")
    if name is None:  # a body of this model, which may hold all before
        return so_far
    if name in models:
        return models[name]
    return max(models.values(), key=lambda growth: growth.elements, default=Growth())


def _size(element: Element) -> int:
    """Return what an element's own numbers come to, its grid or its parts; 1 where it has none.

    Raises:
        EnvironmentFileError: that is too much, or they are none; naming the element, and the limit.
    """
    size = 1
    for tag, attributes, most in _LIMITS:
        if element.tag != tag:
            continue
        numbers = [number for attribute in attributes for number in _whole(element, attribute)]
        product = math.prod(max(1, number) for number in numbers)
        size *= product
        if product > most:
            told = " x ".join(f"{number:,}" for number in numbers)
            raise EnvironmentFileError(f"{element.place}: {', '.join(attributes)} {told} is more than {most:,}")
    if element.tag == "mesh" and "builtin" in element.attributes:
        _check_built(element)
    if element.tag == "size" and _bits(element) > MOST_MEMORY_BITS:
        raise EnvironmentFileError(
            f"{element.place}: memory={element.attributes['memory']!r} is more than {2**MOST_MEMORY_BITS:,} bytes"
        )
    return size


def _check_built(element: Element) -> None:
    """Refuse a mesh that MuJoCo makes of too many points, which its parameters count."""
    points = 1.0
    for word in element.attributes.get("params", "").split():
        try:
            points *= max(1.0, abs(float(word)))
        except ValueError:
            return  # which MuJoCo refuses in words of its own
    if not points <= MOST_GRID:
        raise EnvironmentFileError(f"{element.place}: params of {points:.0e} points, more than {MOST_GRID:,}")


def _whole(element: Element, attribute: str) -> list[int]:
    """Whole numbers of an attribute, read as MuJoCo reads them.

    Raises:
        EnvironmentFileError: one is none.
    """
    text = element.attributes.get(attribute, "")
    words = text.strip(_SPACE).split()
    if any(not _WHOLE.fullmatch(word) for word in words):
        raise EnvironmentFileError(f"{element.place}: expected {attribute} to be a whole number, got {text[:40]!r}")
    return [int(word) for word in words]


def _bits(element: Element) -> int:
    """Bits of a size such as ``10M``; 0 where MuJoCo chooses.

    Raises:
        EnvironmentFileError: it is none.
    """
    memory = element.attributes.get("memory", "-1").strip(_SPACE)
    found = re.fullmatch(r"\+?([0-9]{1,20})([KMGTPE]?)", memory.upper())
    if found is None and memory not in ("", "-1"):
        raise EnvironmentFileError(f"{element.place}: expected memory to be a size such as 10M, got {memory[:40]!r}")
    return (int(found[1]) << 10 * " KMGTPE".index(found[2] or " ")).bit_length() if found else 0
