"""Who may import whom: read from the source, so that nothing has to be imported."""

import ast
import graphlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "skdistill"
# The wings in the order of the data flow, and what each may import beside itself.
MAY_IMPORT = {
    "table": set(),
    "jobs": {"table"},
    "nets": {"table", "jobs"},
    "tasks": {"table", "nets"},
    "transfer": {"table", "jobs"},
    "teachers": {"table", "jobs", "nets", "tasks", "transfer"},
    "soft_targets": {"table", "jobs", "tasks", "teachers"},
    "serving": {"table"},
    "student": {"table", "jobs", "nets", "transfer", "serving", "inspection"},
    "inspection": {"table", "tasks", "serving"},
    "command_line": {"inspection", "jobs", "nets", "serving", "student", "teachers"}
    | {"classifier", "ranker", "regressor"},
}
AT_THE_TOP = {"base", "classifier", "effort", "ranker", "regressor", "sklearn_private", "warn"}
HEAVY = {"torch", "skorch", "xgboost"}
MAY_LOAD_TORCH = ("nets.", "student.", "teachers.net_", "serving.on_device")
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in ROOT.rglob("*.py")
)


def tree_of(module):
    return ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text())


def imported(nodes):
    """Full names of what these import statements import."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written in full"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def at_module_level(tree):
    """All nodes that run when a module is imported: those outside functions."""
    nodes = list(tree.body)
    while nodes:
        node = nodes.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            nodes.extend(ast.iter_child_nodes(node))


def rooms_imported(module):
    """The rooms, or modules at the top, that a module imports anywhere in its text."""
    names = [name.split(".") for name in imported(ast.walk(tree_of(module)))]
    return {name[1] for name in names if name[0] == "skdistill" and len(name) > 1}


def loaded(module):
    """The packages that are imported, directly or not, when a module is."""
    seen, packages, waiting = set(), set(), [module]
    while waiting:
        seen.add(current := waiting.pop())
        for name in imported(at_module_level(tree_of(current))):
            top, _, rest = name.partition(".")
            packages.add(top)
            if top == "skdistill" and rest in MODULES and rest not in seen:
                waiting.append(rest)
    return packages


def test_the_rooms_are_those_that_have_rules():
    rooms = {module.split(".")[0] for module in MODULES}

    assert rooms == {*MAY_IMPORT, "__init__", "__main__", *AT_THE_TOP}


@pytest.mark.parametrize("module", [m for m in MODULES if m.split(".")[0] in MAY_IMPORT])
def test_a_module_imports_only_what_its_room_may(module):
    room = module.split(".")[0]

    assert rooms_imported(module) <= MAY_IMPORT[room] | {room, "effort", "sklearn_private", "warn"}


@pytest.mark.parametrize("module", [m for m in MODULES if not m.startswith(MAY_LOAD_TORCH)])
def test_importing_a_module_that_predicts_loads_no_torch(module):
    assert not loaded(module) & HEAVY


@pytest.mark.parametrize("module", [m for m in MODULES if m != "sklearn_private"])
def test_private_parts_of_scikit_learn_are_imported_in_one_file(module):
    names = [name.split(".") for name in imported(ast.walk(tree_of(module)))]

    assert not [name for name in names if name[0] == "sklearn" and "_" in {p[0] for p in name}]


def test_no_file_imports_itself_by_way_of_others():
    own = {f"skdistill.{module}": module for module in MODULES}
    imports = {
        module: {own[name] for name in imported(ast.walk(tree_of(module))) if name in own}
        for module in MODULES
    }

    assert list(graphlib.TopologicalSorter(imports).static_order())  # raises CycleError


def test_the_public_names_are_imported_only_when_asked_for():
    assert "skdistill" not in loaded("__init__")


def test_the_reading_of_imports_finds_those_that_are_there():
    assert loaded("student.checks") >= {"torch", "skorch", "sklearn", "numpy"}
    assert rooms_imported("base") >= {"table", "nets", "student", "soft_targets", "serving"}
