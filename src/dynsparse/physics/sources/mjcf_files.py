"""The files of a MuJoCo model, gathered so that MuJoCo opens none itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from dynsparse.errors import EnvironmentFileError
from dynsparse.physics.sources.mjcf_growth import Growth, check_picture, measure
from dynsparse.physics.sources.mjcf_tree import MOST_DEPTH, Element, Folder
from dynsparse.physics.sources.model_path import check_model_path

__all__ = ["ModelFiles", "gather"]

_FILES = ("file", "fileback", "filedown", "filefront", "fileleft", "fileright", "fileup")
_FOREIGN = ("extension", "plugin")
_NAMED = ("mesh", "hfield", "texture", "skin")
"""Assets that are called after their file where they have no name."""

MOST_FILES = 10_000
"""That a model may refer to."""
MOST_MODELS = 20
"""Inside one another."""


@dataclass
class ModelFiles:
    """A model as one text and the content of the files that it refers to, which have names of our own in it.

    Attributes:
        folder: of the model.
        assets: content by name.
        known: the name of each file that was read, and whether as a model.
        models: of each attached model that was read, how it calls itself and what it grows to.
        lines: which element each line of the text is of.
        text: the XML.
    """

    folder: Folder
    assets: dict[str, bytes] = field(default_factory=dict)
    known: dict[tuple[Path, bool], str] = field(default_factory=dict)
    models: dict[Path, tuple[str, Growth]] = field(default_factory=dict)
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
        EnvironmentFileError: a file is missing, is no XML, lies outside the model's folder, holds a plugin, or grows
            beyond all measure.
    """
    check_model_path(path)
    folder = Folder(path.parent.resolve())
    files = ModelFiles(folder)
    # The file that was named may be a link itself; what it refers to is looked for where the link lies.
    root, _ = _model(files, folder.root / path.name, [])
    pairs = list(root.lines())
    files.text = "\n".join(line for line, _ in pairs)
    files.lines = [element for _, element in pairs]
    return files


def _model(files: ModelFiles, path: Path, above: list[Path]) -> tuple[Element, Growth]:
    """Read one model, its includes put in and its files named anew; and say what it grows to."""
    folder = files.folder
    root = folder.parse(path, str(path))
    if root.tag != "mujoco":
        raise EnvironmentFileError(f"expected {root.file} to begin with <mujoco>, got <{root.tag}>; give an MJCF file")
    own = _relative(path, folder)
    _include(files, root, own, {path.resolve()}, 1)
    _refuse(root)
    inner: dict[str, Growth] = {}
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
            if element.tag == "model":
                name, growth = files.models[found]
                name = element.attributes.get("name") or name
                if name in inner:
                    raise EnvironmentFileError(
                        f"{element.place}: expected models of different names, got {name!r} twice"
                    )
                inner[name] = growth
    return root, measure(root, inner)


def _asset(files: ModelFiles, element: Element, found: Path, where: str, above: list[Path]) -> str:
    """Keep a file's content under a name of our own and return the name."""
    if found in above:
        raise EnvironmentFileError(f"{where}: {found.name} holds itself")
    key = found, element.tag == "model"
    if key in files.known:
        return files.known[key]
    if element.tag == "model":
        if len(above) > MOST_MODELS:
            raise EnvironmentFileError(f"{where}: models may be {MOST_MODELS} inside one another; use fewer")
        inner, growth = _model(files, found, above)
        content = "\n".join(line for line, _ in inner.lines()).encode()
        files.models[found] = inner.attributes.get("model", "MuJoCo Model"), growth
    else:
        content = files.folder.read(found, where)
        check_picture(element, content)
    if len(files.assets) >= MOST_FILES:
        raise EnvironmentFileError(f"{where}: a model may refer to {MOST_FILES:,} files; use fewer")
    name = files.known[key] = f"file{len(files.assets)}{found.suffix}"
    files.assets[name] = content
    return name


def _include(files: ModelFiles, element: Element, own: str, seen: set[Path], depth: int) -> None:
    """Put the content of included files where they are included."""
    if depth > MOST_DEPTH:
        raise EnvironmentFileError(f"{element.place}: a model may have elements {MOST_DEPTH} inside one another")
    children: list[Element] = []
    for child in element.children:
        if child.tag != "include":
            _include(files, child, own, seen, depth + 1)
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
        root = files.folder.parse(path, where)
        _include(files, root, own, seen, depth)
        children += root.children
    element.children = children


def _refuse(root: Element) -> None:
    """Refuse plugins.

    Raises:
        EnvironmentFileError: naming the element.
    """
    for element in root.walk():
        if element.tag in _FOREIGN:
            raise EnvironmentFileError(
                f"{element.place}: plugins run code that the model does not hold; remove it, and what needs it"
            )


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
