"""A MuJoCo XML file as data: read by us alone, everything that it refers to taken from its own folder."""

from __future__ import annotations

import itertools
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from dynsparse.errors import EnvironmentFileError

__all__ = ["MOST_DEPTH", "MOST_ELEMENTS", "Element", "Folder", "parse"]

MOST_XML_BYTES = 64 * 2**20
MOST_BYTES = 2**30
"""Of all files that a model refers to."""
MOST_ELEMENTS = 1_000_000
MOST_DEPTH = 200


@dataclass
class Element:
    """An element of a model file.

    Attributes:
        tag: its name.
        attributes: by name.
        file: of which file it is, relative to the model's folder.
        line: where it begins there.
        children: in their order.
    """

    tag: str
    attributes: dict[str, str]
    file: str
    line: int
    children: list[Element] = field(default_factory=list)

    @property
    def place(self) -> str:
        """How messages say where it is."""
        return f"<{self.tag}> in line {self.line} of {self.file}"

    def walk(self) -> Iterator[Element]:
        """It and all in it, in the order of the file."""
        waiting = [self]
        while waiting:
            element = waiting.pop()
            yield element
            waiting += reversed(element.children)

    def lines(self) -> Iterator[tuple[str, Element]]:
        """It as XML, a line for each element that begins or ends, and whose line it is."""
        begun = "".join(f" {name}={quoteattr(value)}" for name, value in self.attributes.items())
        if not self.children:
            yield f"<{self.tag}{begun}/>", self
            return
        yield f"<{self.tag}{begun}>", self
        for child in self.children:
            yield from child.lines()
        yield f"</{self.tag}>", self


@dataclass
class Folder:
    """The folder of a model: what lies in it may be read, and nothing else.

    Attributes:
        root: the folder, links resolved.
        left: bytes that may still be read.
        elements: that may still be read.
    """

    root: Path
    left: int = MOST_BYTES
    elements: int = MOST_ELEMENTS

    def find(self, reference: str, where: str, *folders: str) -> Path:
        """Return the file that a reference means.

        Args:
            reference: what the model says, relative to the first of ``folders`` in which there is such a file.
            where: which element and attribute say so, for messages.
            folders: folders inside the root, relative to it.

        Raises:
            EnvironmentFileError: it is absolute, goes up, leads out of the folder by a link, or there is none.
        """
        for folder in folders:
            self._refuse_path(folder, where)
        self._refuse_path(reference, where)
        places = [self.root / folder / reference for folder in folders]
        for place in places:
            try:
                mode = place.stat().st_mode
                inside = place.resolve().is_relative_to(self.root)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except (OSError, RuntimeError) as error:  # a RuntimeError: links in a circle
                reason = getattr(error, "strerror", None) or error
                raise EnvironmentFileError(
                    f"{where}: {reference[:80]!r} can not be read ({reason}); give the path of a file that can"
                ) from error
            if not inside:
                raise EnvironmentFileError(
                    f"{where}: {reference!r} is a link that leads out of {self.root}; a model may read its own "
                    "folder alone: copy the file there"
                )
            if not stat.S_ISREG(mode):
                raise EnvironmentFileError(f"{where}: expected {reference!r} to be a file, it is something else")
            return place
        raise EnvironmentFileError(
            f"{where}: there is no file {places[0]}; put it there, or correct the path, which begins at the folder of "
            "the model (and its meshdir, texturedir or assetdir)"
        )

    def read(self, path: Path, where: str) -> bytes:
        """Return a file's content.

        Raises:
            EnvironmentFileError: it can not be read, or all files together are too large.
        """
        try:
            size = path.stat().st_size
            if size <= self.left:
                with path.open("rb") as file:
                    content = file.read(self.left + 1)
                size = len(content)
        except OSError as error:
            raise EnvironmentFileError(f"{where}: {path} can not be read ({error.strerror or error})") from error
        if size > self.left:
            raise EnvironmentFileError(f"{where}: the files of a model may have {MOST_BYTES:,} bytes, {path} is beyond")
        self.left -= size
        return content

    def parse(self, path: Path, where: str) -> Element:
        """Return the root of an XML file.

        Raises:
            EnvironmentFileError: it can not be read, is no XML, or all files together have too many elements.
        """
        root = parse(self.read(path, where), self.name(path))
        self.elements -= sum(1 for _ in root.walk())
        if self.elements < 0:
            raise EnvironmentFileError(
                f"{where}: the files of a model may have {MOST_ELEMENTS:,} elements, {path} is beyond"
            )
        return root

    def name(self, path: Path) -> str:
        """Return a file's path relative to the folder."""
        return path.relative_to(self.root).as_posix()

    def _refuse_path(self, reference: str, where: str) -> None:
        parts = {*PurePosixPath(reference).parts, *PureWindowsPath(reference).parts}
        windows = PureWindowsPath(reference)
        if PurePosixPath(reference).is_absolute() or windows.drive or windows.root:
            raise EnvironmentFileError(
                f"{where}: {reference!r} is absolute; a model may read its own folder alone: copy the file to "
                f"{self.root} and give its path from there"
            )
        if ".." in parts:
            raise EnvironmentFileError(
                f"{where}: {reference!r} goes up with '..'; a model may read its own folder alone: move the model "
                "file up, or the file down"
            )
        if "\0" in reference or not reference.isprintable():
            raise EnvironmentFileError(f"{where}: expected the path of a file, got {reference!r}")


def parse(content: bytes, file: str) -> Element:
    """Parse XML without document types or entities.

    Args:
        content: of the file.
        file: how messages call it.

    Returns:
        The root.

    Raises:
        EnvironmentFileError: it is no XML (with its line), or has what a model needs not.
    """
    if len(content) > MOST_XML_BYTES:
        raise EnvironmentFileError(f"{file}: expected at most {MOST_XML_BYTES:,} bytes of XML, got {len(content):,}")
    parser = expat.ParserCreate()
    roots: list[Element] = []
    open_: list[Element] = []
    count = itertools.count(1)

    def start(tag: str, attributes: dict[str, str]) -> None:
        element = Element(tag, dict(attributes), file, parser.CurrentLineNumber)
        if next(count) > MOST_ELEMENTS or len(open_) >= MOST_DEPTH:
            raise EnvironmentFileError(
                f"{element.place}: a model may have {MOST_ELEMENTS:,} elements, {MOST_DEPTH} inside one another"
            )
        (open_[-1].children if open_ else roots).append(element)
        open_.append(element)

    def refuse(*_parts: object) -> None:
        raise EnvironmentFileError(
            f"{file}, line {parser.CurrentLineNumber}: a document type or an entity; a model needs none: remove it"
        )

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _tag: open_.pop()
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise EnvironmentFileError(
            f"{file} is no XML: {expat.errors.messages[error.code]} in line {error.lineno}, column {error.offset + 1}"
        ) from error
    return roots[0]
