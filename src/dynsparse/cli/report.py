"""``dynsparse report``: everything that was analysed, on one page that needs no network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from dynsparse.errors import InputError, OutputExistsError

__all__ = ["EXAMPLES", "Report"]

EXAMPLES = """\
examples:
  dynsparse report out/demo
  dynsparse report out/cheetah --out cheetah.html
"""

_PLACES = ("", "*/", "analysis/*/")


@dataclass(frozen=True)
class Report:
    """Draw every analysis below a folder: DIR/figures, Table 1, and one self-contained HTML page."""

    dir: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DIR")]
    """Folder of dynsparse reproduce or dynsparse analyze, or one that holds several of the latter."""

    out: Path | None = None
    """The HTML file; by default DIR/report.html."""

    overwrite: bool = False
    """Replace a page that is there and is not DIR/report.html, which is replaced in any case."""

    def run(self) -> int:
        """Draw and write.

        Returns:
            The exit code.
        """
        found_at = [path.parent for place in _PLACES for path in self.dir.glob(f"{place}analysis.json")]
        # A name with a dot is one that a stopped command left half written.
        folders = sorted({folder for folder in found_at if not folder.name.startswith(".") or folder == self.dir})
        if not folders:
            if (self.dir / "zarr.json").exists():
                raise InputError(
                    f"expected analyses, {self.dir} is a data set; first: dynsparse analyze {self.dir} --out DIR"
                )
            raise InputError(
                f"expected analyses in {self.dir}, found none; make one with dynsparse analyze DATASET --out DIR"
            )
        page = self.out or self.dir / "report.html"
        if self.out is not None and page.exists() and not self.overwrite:
            raise OutputExistsError(f"{page} exists and is kept; name another file, or add --overwrite")

        from dynsparse.analysis import CauseRecord, SparsityReport
        from dynsparse.analysis.cause_record import holds_causes
        from dynsparse.cli.publication import in_papers_order, publish
        from dynsparse.provenance import collect_provenance

        found, measured = {}, {}
        for folder in folders:
            report = SparsityReport.load(folder)
            if report.environment in found:
                raise InputError(
                    f"expected one analysis of {report.environment} in {self.dir}, found several ({folder} is one); "
                    "make a report of each by itself"
                )
            found[report.environment] = report
            if holds_causes(folder):
                measured[report.environment] = CauseRecord.load(folder)
        names = in_papers_order(list(found))
        provenance = collect_provenance(f"dynsparse report {self.dir.name}", None).to_dict()
        publish(
            [found[name] for name in names], self.dir, page, expected=names, provenance=provenance, measured=measured
        )
        unexplained = [name for name in names if name not in measured]
        if unexplained:
            print(
                f"no causes.json beside the analysis of {', '.join(unexplained)}: dynsparse causes DATASET --out DIR "
                "says why elements are zero"
            )
        return 0
