"""``dynsparse explore``: every rollout with its Jacobians, on one page to look around in."""

from __future__ import annotations

import sys
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from dynsparse.config import check_count
from dynsparse.errors import OutputError, OutputExistsError, SettingError

if TYPE_CHECKING:
    from dynsparse.cli.explore_exhibition import Exhibition

__all__ = ["EXAMPLES", "Explore"]

EXAMPLES = """\
examples:
  dynsparse explore out/demo
  dynsparse explore data/cheetah --episode 1 --out cheetah.html --no-open
  dynsparse explore out/demo --causes FingerSpin,CheetahRun
  dynsparse explore out/demo --full out/explore

The page is one file that loads nothing: send it, or open it from the disk.  --full writes a folder instead, with every
step of every episode and every digit.  Frames need EGL or OSMesa; without, the page says so and does without.
"""

_FILE_MIB, _FOLDER_MIB = 20.0, 4096.0


@dataclass(frozen=True)
class Explore:
    """Write a page to scrub through rollouts, their Jacobians, frames and pattern switches, and open it."""

    dir: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DIR")]
    """Folder of dynsparse reproduce, one data set, or a folder of data sets."""

    out: Path | None = None
    """The HTML file; by default DIR/explore.html, beside DIR where that is a data set."""

    no_open: bool = False
    """Do not open the page in a browser; it is not opened either where there is no terminal."""

    full: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """Write a folder in place of the file: index.html beside all steps of all episodes, with all their digits."""

    causes: Annotated[tuple[str, ...], tyro.conf.arg(metavar="ENV|all")] = ()
    """Environments of whose shown steps to say why each zero is one, half a minute each; kept in DIR/explore."""

    episode: int = 0
    """Which episode of each data set."""

    steps: int = 300
    """How many of its first steps."""

    frame_every: int = 3
    """Steps from one frame to the next; with --full too."""

    no_frames: bool = False
    """Draw no frames."""

    budget_mib: float | None = None
    """Most MiB, 20 of a file by default: above, it has fewer frames, then none, then fewer steps, and says so; 4,096 of
    a --full folder: above, nothing is written."""

    atol: float | None = None
    """An element is zero when abs(x) < atol; left out: 1e-15, and 1e-8 for finite differences."""

    env: Annotated[str | None, tyro.conf.arg(metavar="MODEL.xml|FILE.py:NAME")] = None
    """Where the environment of the data is, if its name alone does not tell."""

    workers: int = 0
    """Worker processes that explain zeros; 0 for one on each usable core."""

    overwrite: bool = False
    """Replace a page that is there and is not DIR/explore.html, which is replaced in any case."""

    def run(self) -> int:
        """Read, draw, write, open.

        Returns:
            The exit code.
        """
        for name in ("steps", "frame_every"):
            check_count(name, getattr(self, name), 1, "leave it out")
        check_count("episode", self.episode, 0, "try 0")
        if self.budget_mib is not None and not self.budget_mib > 0:
            raise SettingError(f"budget_mib must be above 0, got {self.budget_mib}; leave it out")

        from dynsparse.cli.explore_artist import Artist
        from dynsparse.cli.explore_budget import check_folder_budget
        from dynsparse.cli.explore_exhibition import Exhibition, chosen_environments
        from dynsparse.cli.explore_source import find_sources
        from dynsparse.cli.opengl import no_opengl_here
        from dynsparse.cli.progress import open_progress

        sources, left_out = find_sources(self.dir)
        page = self._place()
        if self.full:
            check_folder_budget(sources, self._budget, None if self.no_frames else self.frame_every)
        explained = chosen_environments(self.causes, [source.dataset.environment for source in sources])
        progress = open_progress()
        try:
            with no_opengl_here() as backend, Artist(self.frame_every, own=self.env, backend=backend) as artist:
                exhibition = Exhibition(
                    sources,
                    self._kept_at(),
                    progress,
                    None if self.no_frames else artist,
                    episode=None if self.full else self.episode,
                    steps=self.steps,
                    atol=self.atol,
                    explained=explained,
                    own=self.env,
                    workers=self.workers,
                    notes=left_out,
                )
                told, size = self._write(exhibition, page)
        finally:
            progress.close()
        for note in told:
            print(f"- {note}")
        rollouts = f"{exhibition.rollouts} rollout{'' if exhibition.rollouts == 1 else 's'}"
        shown = "all steps" if self.full else f"{self.steps:,} steps at most"
        print(f"{page}: {rollouts} of {shown}, {size / 2**20:.1f} MiB{' in all' if self.full else ''}")
        if not self.no_open and sys.stdout.isatty():
            webbrowser.open(page.resolve().as_uri())
        return 0

    @property
    def _budget(self) -> float:
        """Most MiB of what is written."""
        if self.budget_mib is not None:
            return self.budget_mib
        return _FOLDER_MIB if self.full else _FILE_MIB

    def _place(self) -> Path:
        """Return where the page goes, and refuse what is there and not to be replaced."""
        from dynsparse.dataset.place import holds_dataset

        if self.full is not None:
            if self.out is not None:
                raise SettingError("--out and --full exclude each other, got both; a folder's page is its index.html")
            if self.full.exists() and not self.full.is_dir():
                raise OutputError(f"expected --full to name a folder, {self.full} is a file; choose another")
            if holds_dataset(self.full):
                raise OutputExistsError(f"{self.full} is a data set, nothing is written into it; name another folder")
            if self.full.exists() and any(self.full.iterdir()) and not self.overwrite:
                raise OutputExistsError(f"{self.full} is not empty and is kept; name another, or add --overwrite")
            return self.full / "index.html"
        if self.out is not None:
            if self.out.exists() and not self.overwrite:
                raise OutputExistsError(f"{self.out} exists and is kept; name another file, or add --overwrite")
            return self.out
        if holds_dataset(self.dir):
            # Nothing of ours inside a data set: its folder holds what was committed and nothing else.
            return self.dir.resolve().parent / f"{self.dir.resolve().name}-explore.html"
        return self.dir / "explore.html"

    def _kept_at(self) -> Path:
        """Return the folder that keeps causes."""
        from dynsparse.dataset.place import holds_dataset

        return (self.dir.resolve().parent if holds_dataset(self.dir) else self.dir) / "explore"

    def _write(self, exhibition: Exhibition, page: Path) -> tuple[Sequence[str], int]:
        """Write what was asked for; return what is to be told, and how many bytes it is."""
        from dynsparse.report.explore_folder import write_folder
        from dynsparse.report.explore_page import file_page
        from dynsparse.report.files import write_file

        title = self.dir.resolve().name
        if self.full is not None:
            write_folder(exhibition.exhibits(), self.full, title=title, notes=exhibition.notes)
            return exhibition.notes, sum(path.stat().st_size for path in self.full.rglob("*") if path.is_file())
        exhibits = list(exhibition.exhibits())
        made = file_page(exhibits, title=title, notes=exhibition.notes, most_bytes=int(self._budget * 2**20))
        write_file(page, made.html)
        return made.notes, made.size
