"""The files of a MuJoCo model, gathered so that MuJoCo opens none itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from dynsparse.errors import EnvironmentFileError
from dynsparse.physics.sources.mjcf_tree import Element, Folder, parse

__all__ = ["ModelFiles", "gather"]

_FILES = ("file", "fileback", "filedown", "filefront", "fileleft", "fileright", "fileup")
_FOREIGN = ("extension", "plugin")
_NAMED = ("mesh", "hfield", "texture", "skin")
"""Assets that are called after their file where they have no name."""

MOST_COPIES = 10_000
"""Of what stands in nested ``<replicate>``."""
MOST_MEMORY_BITS = 33
"""A model may ask for 8 GiB."""


@dataclass
class ModelFiles:
    """A model as one text and the content of the files that it refers to, which have names of our own in it.

    Attributes:
        folder: of the model.
        assets: content by name.
        lines: which element each line of the text is of.
        text: the XML.
    """

    folder: Folder
    assets: dict[str, bytes] = field(default_factory=dict)
    lines: list[Element] = field(default_factory=list)
    text: str = ""

    def told(self, message: str) -> str:
        """Return MuJoCo's message with the user's own file and line in place of the text's."""

        def own(found: re.Match[str]) -> str:
            number = int(found[1])
            if not 0 < number <= len(self.lines):
                return found[0]
            return f"line {self.lines[number - 1].line} of {self.lines[number - 1].file}"

        return re.sub(r"line (\d+)", own, " ".join(message.split()))


def gather(path: Path) -> ModelFiles:
    """Read a model and everything that it refers to.

    Args:
        path: the XML file.

    Returns:
        The files.

    Raises:
        EnvironmentFileError: a file is missing, is no XML, lies outside the model's folder, or holds a plugin.
    """
    folder = Folder(path.parent.resolve())
    if not path.exists():
        raise EnvironmentFileError(f"there is no file {path}; expected the path of a model (.xml)")
    files = ModelFiles(folder)
    # The file that was named may be a link itself; what it refers to is looked for where the link lies.
    root = _model(files, folder.root / path.name, [])
    pairs = list(root.lines())
    files.text = "\n".join(line for line, _ in pairs)
    files.lines = [element for _, element in pairs]
    return files


def _model(files: ModelFiles, path: Path, above: list[Path]) -> Element:
    """Read one model, its includes put in and its files named anew."""
    folder = files.folder
    root = parse(folder.read(path, str(path)), folder.name(path))
    if root.tag != "mujoco":
        raise EnvironmentFileError(f"expected {root.file} to begin with <mujoco>, got <{root.tag}>; give an MJCF file")
    own = _relative(path, folder)
    _include(files, root, own, {path.resolve()})
    _refuse(root)
    mesh, texture, strip = _directories(root)
    for element in root.walk():
        for attribute in _FILES:
            reference = element.attributes.get(attribute)
            if not reference:
                continue
            where = f"{element.place}, {attribute}"
            if strip and element.tag != "model":
                reference = PurePosixPath(reference).name
            directory = {"texture": texture, "model": ""}.get(element.tag, mesh)
            found = folder.find(reference, where, _joined(own, directory))
            if attribute == "file" and element.tag in _NAMED:
                element.attributes.setdefault("name", PurePosixPath(reference).stem)
            element.attributes[attribute] = _asset(files, element, found, where, [*above, path])
    return root


def _asset(files: ModelFiles, element: Element, found: Path, where: str, above: list[Path]) -> str:
    """Keep a file's content under a name of our own and return the name."""
    if element.tag == "model":
        if found in above:
            raise EnvironmentFileError(f"{where}: {found.name} holds itself")
        inner = _model(files, found, above)
        content = "\n".join(line for line, _ in inner.lines()).encode()
    else:
        content = files.folder.read(found, where)
    name = f"file{len(files.assets)}{found.suffix}"
    files.assets[name] = content
    return name


def _include(files: ModelFiles, element: Element, own: str, seen: set[Path]) -> None:
    """Put the content of included files where they are included."""
    children: list[Element] = []
    for child in element.children:
        if child.tag != "include":
            _include(files, child, own, seen)
            children.append(child)
            continue
        where = f"{child.place}, file"
        reference = child.attributes.get("file", "")
        if not reference:
            raise EnvironmentFileError(f"{where}: expected the file to include, got none")
        beside = PurePosixPath(child.file).parent.as_posix()
        path = files.folder.find(reference, where, own, beside)
        if path.resolve() in seen:
            raise EnvironmentFileError(f"{where}: {reference!r} is included already; MuJoCo includes a file once")
        seen.add(path.resolve())
        root = parse(files.folder.read(path, where), files.folder.name(path))
        _include(files, root, own, seen)
        children += root.children
    element.children = children


def _refuse(root: Element) -> None:
    """Refuse plugins, and models that grow beyond all measure when they are compiled.

    Raises:
        EnvironmentFileError: naming the element.
    """
    waiting = [(root, 1)]
    while waiting:
        element, copies = waiting.pop()
        if element.tag in _FOREIGN:
            raise EnvironmentFileError(
                f"{element.place}: plugins run code that the model does not hold; remove it, and what needs it"
            )
        if element.tag == "replicate":
            count = element.attributes.get("count", "1")
            copies *= int(count) if count.isascii() and count.isdigit() else 1
            if copies > MOST_COPIES:
                raise EnvironmentFileError(f"{element.place}: more than {MOST_COPIES:,} copies")
        memory = element.attributes.get("memory", "") if element.tag == "size" else ""
        if memory and _bits(memory) > MOST_MEMORY_BITS:
            raise EnvironmentFileError(f"{element.place}: memory={memory!r} is more than {2**MOST_MEMORY_BITS:,} bytes")
        waiting += [(child, copies) for child in element.children]


def _bits(memory: str) -> int:
    """Bits of a size such as ``10M``; 0 of none, which MuJoCo refuses in words of its own."""
    found = re.fullmatch(r"\s*(\d{1,20})\s*([KMGTPE]?)\s*", memory.upper())
    return (int(found[1]) << 10 * " KMGTPE".index(found[2] or " ")).bit_length() if found else 0


def _directories(root: Element) -> tuple[str, str, bool]:
    """Where meshes and textures lie, and whether paths are stripped; taken out of the model, whose files have moved."""
    mesh = texture = ""
    strip = False
    for element in root.children:
        if element.tag != "compiler":
            continue
        both = element.attributes.pop("assetdir", None)
        if both is not None:
            mesh = texture = both
        mesh = element.attributes.pop("meshdir", mesh)
        texture = element.attributes.pop("texturedir", texture)
        strip = element.attributes.pop("strippath", str(strip)).lower() == "true"
    return mesh, texture, strip


def _relative(path: Path, folder: Folder) -> str:
    return path.parent.relative_to(folder.root).as_posix()


def _joined(own: str, directory: str) -> str:
    """A directory of the compiler's from the root; refused as a file's path is where it is absolute or goes up."""
    pure = PurePosixPath(directory)
    if pure.is_absolute() or ".." in pure.parts:
        return directory
    return (PurePosixPath(own) / pure).as_posix()
