"""``dynsparse report``: everything that was measured, on one page that needs no network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from dynsparse.errors import OutputExistsError

__all__ = ["EXAMPLES", "Report"]

EXAMPLES = """\
examples:
  dynsparse report out/demo
  dynsparse report out/cheetah --out cheetah.html
"""


@dataclass(frozen=True)
class Report:
    """Draw everything that a folder holds records of: figures, tables, and one self-contained HTML page.

    DIR has them as files too.
    """

    dir: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DIR")]
    """Folder of dynsparse reproduce or dynsparse analyze, or one that holds several of the latter."""

    out: Path | None = None
    """The HTML file; by default DIR/report.html. PAGE.html has its figures and tables in the folder PAGE_files, and
    nothing is written in DIR."""

    overwrite: bool = False
    """Replace what is there; DIR/report.html is replaced in any case."""

    def run(self) -> int:
        """Draw and write.

        Returns:
            The exit code.
        """
        own = self.dir / "report.html"
        page = self.out or own
        named = page.absolute() != own.absolute()
        items = page.with_name(f"{page.stem}_files") if named else self.dir
        there = [path for path in (page, items) if path.exists()]
        if named and there and not self.overwrite:
            raise OutputExistsError(f"{there[0]} exists and is kept; name another file, or add --overwrite")

        from dynsparse.cli.publication import publish_study
        from dynsparse.provenance import collect_provenance

        provenance = collect_provenance(f"dynsparse report {self.dir.name}", None).to_dict()
        results = publish_study(self.dir, page, items=items, provenance=provenance)
        names, measured = [report.environment for report in results.reports], results.causes
        unexplained = [name for name in names if name not in measured]
        if unexplained:
            print(
                f"no causes.json beside the analysis of {', '.join(unexplained)}: dynsparse causes DATASET --out DIR "
                "says why elements are zero"
            )
        return 0
