from __future__ import annotations

import re

import matplotlib
import pytest

from dynsparse.errors import InputError, OutputError
from dynsparse.report.causes import Cause
from dynsparse.report.counted_numbers import count_numbers
from dynsparse.report.gallery import GALLERY
from dynsparse.report.sentences import NO_TIME
from dynsparse.report.table1 import make_table1, paper_table1

from .page_checks import read_page
from .switched import switched_report
from .written import write_page

HOSTILE = "<script>alert('x')</script>\"$title&"
AUDIT = {"rows": 300, "clean": True, "exact": {"smooth_columns": 9, "columns_off": 0, "false_zeros": 0}}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    reports = [switched_report("CheetahRun", audit=AUDIT), switched_report("Other", states="coverage")]
    return write_page(reports, tmp_path_factory.mktemp("page") / "sub" / "report.html").read_text(encoding="utf-8")


def test_the_page_is_valid_and_needs_nothing_else(page):
    reader = read_page(page)
    assert reader.faults == []
    assert "script" not in reader.tags
    assert "default-src 'none'" in page


def test_every_figure_is_there_with_its_sentence(page):
    reader = read_page(page)
    along_time, shared = 2, 4  # Figures 5, 6, A3.3 and 7
    assert len(reader.images) == 2 * len(GALLERY) - along_time + shared
    for drawing in GALLERY:
        assert re.sub(r"\s+", " ", drawing.say(count_numbers(switched_report("CheetahRun")))) in reader.text
    assert reader.text.count(NO_TIME) == along_time


def test_missing_environments_are_shown_as_missing(page):
    reader = read_page(page)
    missing = [name for name in paper_table1() if name != "CheetahRun"]
    for name in missing:
        assert f"{name}: missing, there is no analysis of it." in reader.text
    assert reader.text.count("missing: not analysed") == 3 * len(missing)
    assert "Other: missing, there is no analysis" not in reader.text


def test_expected_environments_can_be_named(tmp_path):
    path = write_page([switched_report("Other")], tmp_path / "r.html", expected=["Other", "Third"])
    text = read_page(path.read_text(encoding="utf-8")).text
    assert "Third: missing, there is no analysis of it" in text
    assert "BallInCup" not in text


def test_the_audit_is_quoted_and_its_absence_too(page):
    text = read_page(page).text
    assert "Audited against finite differences on 300 rows: clean; 9 columns compared, 0 off, 0 false zeros." in text
    assert text.count("Not audited: run dynsparse audit DATASET.") == 1
    assert 'class="audit warned">Not audited' in page and 'class="audit">Audited' in page
    assert "exact.smooth_columns" in text  # the whole record is there, folded


def test_an_audit_that_is_not_clean_is_marked(tmp_path):
    report = switched_report(audit=AUDIT | {"clean": False})
    page = write_page([report], tmp_path / "r.html", expected=[]).read_text(encoding="utf-8")
    assert 'class="audit warned">Audited' in page
    assert "NOT clean" in page


def test_provenance_is_folded_away_but_whole(page):
    reader = read_page(page)
    assert "versions.numpy" in reader.text and "dynsparse analyze data --out out" in reader.text
    assert reader.tags.count("details") == 4  # two of provenance, one audit, the paper's items


def test_hostile_names_stay_text(tmp_path):
    report = switched_report(HOSTILE, audit={"<b>": "</table>"}, names=("<i>", "qvel \N{SNOWMAN}"))
    path = write_page([report], tmp_path / "r.html", title=HOSTILE, expected=["<u>", HOSTILE])
    reader = read_page(path.read_text(encoding="utf-8"))
    assert reader.faults == []
    assert not {"script", "b", "i", "u"} & set(reader.tags)
    assert reader.text.count(HOSTILE) >= 4  # title twice, contents, section


def test_table_and_causes_can_be_given(tmp_path):
    report = switched_report("ReacherHard")
    rows, _ = make_table1([report])
    cause = Cause("ReacherHard", "qpos a", 1, "cause", "because we say so")
    page = write_page([report], tmp_path / "r.html", table=rows, reasons=[cause], provenance={"command": "made it"})
    text = read_page(page.read_text(encoding="utf-8")).text
    assert "ReacherHard, qpos a (1 element): because we say so." in text
    assert "no cause on record" not in text
    assert "made it" in text


def test_table1_has_the_paper_s_count_beside(tmp_path):
    page = write_page([switched_report("ReacherHard")], tmp_path / "r.html").read_text(encoding="utf-8")
    row = re.search(r"<tr><th scope=\"row\">ReacherHard</th>(.*?)</tr>", page).group(1)
    cells = re.findall(r"<td>(.*?)</td>", row)
    assert cells == ["2", "1", "1 (25.00 %)", "3", "0", "0", "NO", "1e-20", "1e-03", "128", "0"]


def test_without_the_paper_s_environments_its_columns_are_left_out(tmp_path):
    page = write_page([switched_report("Mine")], tmp_path / "r.html", expected=["Mine"]).read_text(encoding="utf-8")
    row = re.search(r"<tr><th scope=\"row\">Mine</th>(.*?)</tr>", page).group(1)
    assert re.findall(r"<td>(.*?)</td>", row) == ["2", "1", "1 (25.00 %)", "0", "1e-20", "1e-03", "128", "0"]
    assert "the paper&#x27;s Table 1" not in page and ">as paper<" not in page


def test_the_same_reports_give_the_same_bytes(tmp_path):
    told = []
    one = write_page([switched_report()], tmp_path / "one.html", on_section=told.append)
    with matplotlib.rc_context({"font.size": 20.0, "axes.facecolor": "red"}):
        two = write_page([switched_report()], tmp_path / "two.html")
    other = write_page([switched_report(steps=32)], tmp_path / "other.html")
    assert one.read_bytes() == two.read_bytes() != other.read_bytes()
    assert told == ["setting", "q1", "q2", "q3", "beyond", "environments", "files", "page"]


def test_only_a_matrix_of_many_names_takes_the_whole_width(tmp_path):
    long = tuple(f"qvel a_name_as_long_as_no_sensible_model_has_one_{index}" for index in range(2))
    reports = [switched_report(), switched_report("Long", names=long)]
    page = write_page(reports, tmp_path / "r.html").read_text(encoding="utf-8")
    assert re.findall(r'<figure class="(figure-a3-1[^"]*)"', page) == ["figure-a3-1", "figure-a3-1 wide"]
    assert page.count("min-width: ") > page.count('style="min-width: ') == 4  # and those of both environments


def test_no_report_and_two_of_one_environment_are_refused(tmp_path):
    with pytest.raises(InputError, match="got none"):
        write_page([], tmp_path / "r.html")
    with pytest.raises(InputError, match="got several of Switched"):
        write_page([switched_report(), switched_report()], tmp_path / "r.html")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_can_not_be_written_is_a_typed_error(tmp_path):
    with pytest.raises(OutputError, match="expected to write"):
        write_page([switched_report(states="coverage")], tmp_path)


@pytest.mark.parametrize(
    ("planted", "fault"),
    [
        ('<img src="x.png" alt="a long enough text">', "img loads x.png"),
        ("<b>", "b is not closed"),
        ("</b>", "</b> closes nothing"),
        ('<a href="#none"></a>', "#none leads nowhere"),
        ('<p id="a"></p><p id="a"></p>', "id a twice"),
        ('<p onclick="x()"></p>', "p has onclick"),
        ("<p>http://example.org</p>", "refers to another file"),
        ('<img src="data:," alt="">', "an image says nothing"),
    ],
)
def test_planted_faults_are_found(planted, fault):
    assert fault in read_page(f"<!DOCTYPE html>\n{planted}").faults
