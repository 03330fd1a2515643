"""A function is called when a library has been imported, and only then."""

import importlib
import inspect
import sys

import pytest

from skdistill.serving.on_import import when_imported


@pytest.fixture
def library(tmp_path, monkeypatch):
    """The name of a library that can be imported."""
    name = "a_library_of_the_test"
    (tmp_path / f"{name}.py").write_text("answer = 42\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", sys.meta_path.copy())
    yield name
    sys.modules.pop(name, None)


def test_it_waits_for_the_import(library):
    answers = []
    when_imported(library, lambda: answers.append(sys.modules[library].answer))
    assert answers == []

    importlib.import_module(library)

    assert answers == [42]
    assert inspect.getsource(sys.modules[library]) == "answer = 42\n"


def test_it_is_called_at_once_after_the_import(library):
    importlib.import_module(library)
    answers = []

    when_imported(library, lambda: answers.append("called"))

    assert answers == ["called"]


def test_a_library_that_is_installed_later_is_noticed(library, tmp_path):
    called = []
    when_imported("a_later_library", lambda: called.append("called"))
    with pytest.raises(ImportError):
        importlib.import_module("a_later_library")

    (tmp_path / "a_later_library.py").touch()
    importlib.invalidate_caches()
    importlib.import_module("a_later_library")

    assert called == ["called"]
