"""What is kept of the small preset: records without data, in place of what was kept before."""

from __future__ import annotations

import pytest

from dynsparse.report.study_section import Missing, Section

from .page import load_script


@pytest.fixture
def script():
    return load_script("small")


def test_records_are_kept_and_data_weights_and_large_embeddings_are_not(script, own_folder):
    kept = (
        "settings.json",
        "timings.json",
        "analysis/BallInCup/analysis.npz",
        "analysis/FingerSpin/embedding.npz",
        "learning/units/a.json",
        "tables/table-1.csv",
    )
    left = (
        "data/BallInCup/zarr.json",
        "analysis/BallInCup/embedding.npz",
        "analysis/BallInCup/.analysis.json",
        "learning/units/a.safetensors",
        "figures/figure-1.png",
        "report.html",
    )
    for name in (*kept, *left):
        path = own_folder / "out" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    results = own_folder / "results"
    (results / "analysis" / "Gone").mkdir(parents=True)
    found = script.ship(own_folder / "out", results)
    assert {path.relative_to(results).as_posix() for path in found} == set(kept)
    files = {path.relative_to(results).as_posix(): path.read_text() for path in results.rglob("*") if path.is_file()}
    assert files == {name: name for name in kept}
    assert not (results / "analysis" / "Gone").exists()


def test_what_is_answered_in_words_is_kept_too(script):
    said = Section("q1", "Q1: Which?", "Three.", ("One.",), folded=(("More", ("Two.",)),))
    lacking = Section("q4", "Q4: Who?", missing=(Missing("Figure 8", "not asked for", "make it"),))
    text = script.answers(
        [said, Section("q3", "Q3: When?", "Never."), Section("x", "A table alone", sentences=("No.",)), lacking]
    )
    assert text.endswith(
        "\n\n## Q1: Which?\n\n**Three.**\n\n- One.\n- Two.\n\n## Q3: When?\n\n**Never.**\n"
        "\n## Q4: Who?\n\n- Missing: Figure 8, not asked for\n"
    )
    assert text.startswith("# What came out of the small preset\n")


def test_another_folder_is_refused_before_anything_is_removed(script, own_folder):
    results = own_folder / "results"
    results.mkdir()
    (results / "kept").write_text("kept")
    with pytest.raises(FileNotFoundError, match="expected a folder of dynsparse reproduce"):
        script.ship(own_folder / "out", results)
    (results / "settings.json").write_text("{}")
    with pytest.raises(ValueError, match="is what was kept of it"):
        script.ship(results, results)
    assert (results / "kept").exists()
