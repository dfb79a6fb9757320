"""What would grow beyond all measure, or can not be read, is refused before MuJoCo sees it: typed, and in a moment."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import mujoco
import pytest

from dynsparse.errors import EnvironmentFileError
from dynsparse.physics.sources.mjcf import compile_model
from dynsparse.physics.sources.mjcf_files import gather
from dynsparse.physics.sources.mjcf_growth import Growth, measure
from dynsparse.physics.sources.mjcf_tree import Folder, parse

BODY = '<body name="b"><geom size=".1"/></body>'


def write(text, name="m.xml"):
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refused(text="", path=None):
    with pytest.raises(EnvironmentFileError) as found:
        gather(write(text) if path is None else path)
    return str(found.value)


def world(inside, more=""):
    return f"<mujoco>{more}<worldbody>{inside}</worldbody></mujoco>"


@pytest.mark.parametrize("count", [" 20001", "+20001", "20001 ", "\t20001\n", "\v20001", "99999999999"])
def test_a_count_is_read_as_mujoco_reads_it(own_folder, count):
    text = world(f'<replicate count="{count}">{BODY}</replicate>').replace("\v", "&#9;")
    assert "<replicate> in line 1 of m.xml: more than 10,000 copies" in refused(text)


@pytest.mark.parametrize("count", ["20001.0", "2e4", "0x4", "2 x", "٣", "1_0"])
def test_a_count_that_is_none_is_refused(own_folder, count):
    text = world(f'<replicate count="{count}">{BODY}</replicate>')
    assert "<replicate> in line 1 of m.xml: expected count to be a whole number" in refused(text)
    with pytest.raises(ValueError, match="count"):
        mujoco.MjModel.from_xml_string(text)


def test_few_copies_are_compiled_as_mujoco_does(own_folder):
    text = world(f'<replicate count=" +3 "><replicate count="2" offset="1 0 0">{BODY}</replicate></replicate>')
    assert compile_model(gather(write(text)), "m.xml").nbody == 7 == mujoco.MjModel.from_xml_string(text).nbody


def attaching(model, times):
    frames = "".join(f'<frame><attach model="m" body="b" prefix="p{i}"/></frame>' for i in range(times))
    return world(f'<body name="b">{frames}</body>', f'<asset><model name="m" file="{model}"/></asset>')


def test_attached_copies_are_counted_like_replicates_through_all_models(own_folder):
    for level in range(6):
        write(attaching(f"m{level + 1}.xml", 8), f"m{level}.xml")
    write(world(BODY), "m6.xml")
    assert "<attach> in line 1 of m2.xml: more than 2,000 attached copies" in refused(path=Path("m0.xml"))
    assert compile_model(gather(Path("m4.xml")), "m4.xml").nbody == 2 + 8 + 64  # with the world
    inner = world(f'<replicate count="200">{BODY}</replicate>')
    write(inner, "inner.xml")
    outer = world('<replicate count="100"><frame><attach model="m" prefix="p"/></frame></replicate>',
                  '<asset><model name="m" file="inner.xml"/></asset>')  # fmt: skip
    assert "<attach> in line 1 of m.xml: more than 10,000 copies" in refused(outer)


def test_a_model_that_attaches_itself_doubles_each_time(own_folder):
    pairs = "".join(
        f'<body name="b{i + 1}"><frame><attach body="b{i}" prefix="p"/></frame>'
        f'<frame><attach body="b{i}" prefix="q"/></frame></body>'
        for i in range(14)
    )
    assert "more than 2,000 attached copies" in refused(world(BODY.replace('"b"', '"b0"') + pairs))


def test_a_model_that_is_not_known_counts_as_the_largest():
    root = parse(b'<mujoco><worldbody><attach model="x"/></worldbody></mujoco>', "m.xml")
    found = measure(root, {"a": Growth(50, 3, 2), "b": Growth(7)})
    assert (found.elements, found.attached, found.copies) == (53, 4, 2)


def test_a_sub_model_is_read_once_however_often_it_is_named(own_folder):
    for level in range(18):  # 2^18 readings otherwise; MuJoCo's own are as many
        both = "".join(f'<model name="m{i}" file="e{level + 1}.xml"/>' for i in range(2))
        write(world(BODY, f"<asset>{both}</asset>"), f"e{level}.xml")
    write(world(BODY), "e18.xml")
    told = refused(path=Path("e0.xml"))
    assert "e9.xml: its <model> elements, and theirs, name more than 1,000 models" in told
    assert len(gather(Path("e10.xml")).assets) == 8


def test_a_file_may_be_a_model_here_and_an_asset_there(own_folder):
    names = ["mesh", "model", "mesh", "model"]
    text = "".join(f'<{tag} name="{tag}{i}" file="x.xml"/>' for i, tag in enumerate(names))
    write(world(BODY), "x.xml")
    files = gather(write(world(BODY, f"<asset>{text}</asset>")))
    assert files.text.count('file="file0.xml"') == 2 == files.text.count('file="file1.xml"')


def test_models_inside_models_and_files_have_an_end(own_folder, monkeypatch):
    for level in range(30):
        write(world(BODY, f'<asset><model name="m" file="c{level + 1}.xml"/></asset>'), f"c{level}.xml")
    write(world(BODY), "c30.xml")
    assert "models may be 20 inside one another" in refused(path=Path("c0.xml"))
    monkeypatch.setattr("dynsparse.physics.sources.mjcf_files.MOST_FILES", 2)
    assert "a model may refer to 2 files" in refused(path=Path("c26.xml"))


def test_includes_that_go_deep_together_are_refused(own_folder):
    for level in range(8):
        inner = f'<include file="d{level + 1}.xml"/>' if level < 7 else BODY
        write("<mujoco>" + "<frame>" * 190 + inner + "</frame>" * 190 + "</mujoco>", f"d{level}.xml")
    told = refused(world('<include file="d0.xml"/>'))
    assert "<frame> in line 1 of d1.xml" in told and "200 inside one another" in told


def test_elements_are_counted_over_all_files(own_folder, monkeypatch):
    monkeypatch.setattr(Folder.__init__, "__defaults__", (2**20, 12))
    write("<mujoco>" + "<frame/>" * 10 + "</mujoco>", "part.xml")
    assert "part.xml is beyond" in refused(world('<include file="part.xml"/>'))


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ('<size nuser_geom="100000000"/>', "<size> in line 1 of m.xml: nuser_geom 100,000,000 is more than 1,000"),
        ('<size nuserdata=" +100000000"/>', "nuserdata 100,000,000 is more than 1,000,000"),
        ('<size nuser_body="1e9"/>', "expected nuser_body to be a whole number, got '1e9'"),
        ('<size memory="+9G"/>', "memory='+9G' is more than"),
        ('<size memory="9 G"/>', "expected memory to be a size such as 10M, got '9 G'"),
        ('<size nstack="2000000000"/>', "nstack 2,000,000,000 is more than 1,073,741,824"),
        ('<asset><hfield name="h" nrow="8000" ncol="8000" size="1 1 1 1"/></asset>',
         "<hfield> in line 1 of m.xml: nrow, ncol 8,000 x 8,000 is more than 16,777,216"),
        ('<asset><texture name="t" builtin="flat" type="2d" width="8000" height="8000"/></asset>',
         "<texture> in line 1 of m.xml: width, height 8,000 x 8,000 is more than 16,777,216"),
        ("<asset>" + '<hfield name="h" nrow="4096" ncol="4096" size="1 1 1 1"/>' * 9 + "</asset>",
         "more than 134,217,728 points of height fields and textures"),
        ('<asset><mesh name="m" builtin="plate" params="100000 100000"/></asset>', "params of 1e+10 points"),
        ('<worldbody><flexcomp name="f" type="grid" count="60 60 60"/></worldbody>', "count 60 x 60 x 60 is more"),
        ('<worldbody><replicate count="1000"><flexcomp name="f" type="grid" count="20 20 20"/></replicate></worldbody>',
         "more than 1,000,000 elements, copies included"),
    ],
)  # fmt: skip
def test_sizes_beyond_all_measure_are_refused_with_the_limit(own_folder, more, told):
    assert told in refused(world(BODY, more))


def test_a_small_picture_that_unpacks_to_a_large_one_is_refused(own_folder):
    write(b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 30_000, 30_000), "wide.png")
    text = world(BODY, '<asset><texture name="t" type="2d" file="wide.png"/></asset>')
    assert "<texture> in line 1 of m.xml: a picture of 30,000 x 30,000 pixels" in refused(text)


@pytest.mark.parametrize(
    "more",
    [
        f'<asset><mesh name="a" file="{"a" * 5000}.stl"/></asset>',
        f'<compiler meshdir="{"a" * 300}"/><asset><mesh name="a" file="a.stl"/></asset>',
        f'<include file="{"a" * 300}.xml"/>',
    ],
)
def test_a_name_that_no_file_can_have_is_told_with_its_element(own_folder, more):
    told = refused(world(BODY, more))
    assert " in line 1 of m.xml, file" in told and "can not be read (File name too long)" in told and len(told) < 400


def test_a_file_that_may_not_be_looked_at_is_told(own_folder, monkeypatch):
    write("", "a.stl")
    stat = Path.stat

    def refuse(self, **options):
        if self.name == "a.stl":
            raise PermissionError(13, "Permission denied")
        return stat(self, **options)

    path = write(world(BODY, '<asset><mesh name="a" file="a.stl"/></asset>'))
    monkeypatch.setattr(Path, "stat", refuse)
    assert "<mesh> in line 1 of m.xml, file: 'a.stl' can not be read (Permission denied)" in refused(path=path)


def test_the_models_own_path_has_to_be_a_model_file(own_folder):
    os.mkfifo("pipe.xml")
    write(world(BODY), "folder.xml/arm.xml")
    write(world(BODY), "plain.txt")
    write("", "a")
    for path, told in {
        "pipe.xml": "expected pipe.xml to be a model file (.xml), it is no regular file",
        "folder.xml": "folder.xml is a folder; expected the path of a model (.xml); there are folder.xml/arm.xml",
        "plain.txt": "expected a model file that ends in .xml, got plain.txt; if it is an MJCF file, rename it",
        "x" * 400 + ".xml": "can not be read (File name too long)",
        "a/b.xml": "there is no file a/b.xml",
        "a\0b/c.xml": "can not be read (embedded null byte)",
        "/dev/null": "it is no regular file",
    }.items():
        assert told in refused(path=Path(path))


def test_a_missing_file_is_told_with_what_to_do(own_folder):
    told = refused(world(BODY, '<asset><mesh name="a" file="a.stl"/></asset>'))
    assert "there is no file" in told and "put it there, or correct the path" in told and "meshdir" in told
