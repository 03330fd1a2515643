"""The API page names what is public, and numpydoc accepts its docstrings."""

import inspect
import re
from pathlib import Path

import pytest

import skdistill

ROOT = Path(__file__).parents[2]
EXCLUDED = {
    "ES01": "one sentence is enough where it says all",
    "EX01": "required of public names, not of each method",
    "GL01": "a summary begins behind the quotes, which numpydoc refused before 1.11",
    "PR07": "X and y are what their shapes say",
    "RT02": "a returned value has a name",
    "RT03": "its name and type say what it is",
    "SA01": "a See Also leads somewhere, or is not there",
}
OF_AN_OVERRIDE = {"PR01", "RT01"}  # parameters and results are those of the library's method


def public_methods():
    """The methods and properties of public classes that are written here, as numpydoc finds them.

    Yields
    ------
    name : str
    is_override : bool
        Whether a class of another library has a method of that name.
    """
    for name in skdistill.__all__:
        home = getattr(skdistill, name)
        for method, found in inspect.getmembers(home) if inspect.isclass(home) else ():
            function = found.fget if isinstance(found, property) else inspect.unwrap(found)
            is_ours = str(getattr(function, "__module__", "")).startswith("skdistill")
            if is_ours and callable(function) and not method.startswith("_"):
                theirs = [
                    base for base in home.__mro__ if not base.__module__.startswith("skdistill")
                ]
                overrides = any(hasattr(base, method) for base in theirs)
                yield f"{skdistill._HOMES[name]}.{name}.{method}", overrides


def errors(name, ignored):
    validate = pytest.importorskip("numpydoc.validate", reason="numpydoc is not installed")
    return [error for error in validate.validate(name)["errors"] if error[0] not in ignored]


@pytest.mark.parametrize("name", skdistill.__all__)
def test_numpydoc_accepts_the_docstring_of_a_public_name(name):
    ignored = EXCLUDED.keys() - {"EX01"}
    if "**kwargs" in getattr(skdistill, name).__doc__:  # which stands for those of a parent
        ignored |= {"PR01"}

    assert not errors(f"{skdistill._HOMES[name]}.{name}", ignored)


@pytest.mark.parametrize(("name", "is_override"), list(public_methods()))
def test_numpydoc_accepts_the_docstring_of_a_public_method(name, is_override):
    assert not errors(name, EXCLUDED.keys() | (OF_AN_OVERRIDE if is_override else set()))


def test_numpydoc_notices_a_docstring_that_is_not_complete():
    assert {code for code, _ in errors(f"{__name__}.undocumented", EXCLUDED)} == {"PR01", "RT01"}


def undocumented(argument):
    """Return what it got."""
    return argument


def test_the_api_page_names_what_is_public():
    page = (ROOT / "docs" / "api.rst").read_text()

    assert sorted(re.findall(r"^   (\w+)$", page, re.MULTILINE)) == skdistill.__all__
