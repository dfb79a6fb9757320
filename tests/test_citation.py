"""CITATION.cff: what its format asks for, the version of the package, the paper as it is printed."""

from __future__ import annotations

import tomllib

import pytest
import yaml

import dynsparse


@pytest.fixture
def citation(checkout):
    return yaml.safe_load((checkout / "CITATION.cff").read_text(encoding="utf-8"))


def test_it_has_what_the_format_asks_for(citation):
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors", "type"} <= set(citation)
    assert citation["authors"] == [{"name": "dynsparse contributors"}]
    assert all(isinstance(word, str) for word in (citation["version"], citation["abstract"], *citation["keywords"]))


def test_version_and_licence_are_those_of_the_package(citation, checkout):
    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert citation["version"] == project["version"] == dynsparse.__version__
    assert citation["license"] == project["license"]
    assert citation["keywords"] == project["keywords"]


def test_the_paper_is_a_reference(citation):
    (paper,) = citation["references"]
    assert paper["title"].startswith("Dynamic Sparsity: Challenging Common Sparsity Assumptions")
    names = [f"{author['given-names']} {author['family-names']}" for author in paper["authors"]]
    assert names == [
        "Muthukumar Pandaram",
        "Jakob Hollenstein",
        "David Drexel",
        "Samuele Tosatto",
        "Antonio Rodríguez-Sánchez",
        "Justus Piater",
    ]
