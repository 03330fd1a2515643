"""Hostile files: random changes of saved students, with a checksum that fits.

make fuzz, or python -m tests.fuzz [number of files] [seed]

Each file must be refused by ValueError, or give a student that answers: finite probabilities that
sum to one, finite targets and sorted quantiles, or a ValueError that says why not.
"""

import copy
import json
import sys
import tempfile
import time
import tracemalloc
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

import skdistill
from tests.forged import read_student, write_student

FOLDER = Path(__file__).parent / "students"
ODD_VALUES = [
    None, True, False, 0, 1, 2, -1, 255, 2**31, 2**63, 2**70, 10**400, 0.5, 1e308, -1e308,
    float("nan"), float("inf"), "", "a", "\0", "\ud800", "é" * 50, "x" * 5000, "__class__", "auto",
    "cuda", "cuda:9", "log", "DistilledClassifier", "DistilledRegressor", "TeacherEnsemble",
    "<U999999", "<U0", "|O", "<f8", "<i1", "|b1", "|V8", "<M8[s]", "/tmp",
    [], {}, [[]], [{}], {"a": None}, {"pool": 1}, [0, 1], [1, 1], [2, 1], ["a", "b"], ["b", "a"],
    [True, False], [[0], [1]], [0.5], [2**70], [None], [1] * 3000,
]  # fmt: skip
ODD_KEYS = [
    "memory",
    "teachers",
    "student_",
    "classes_",
    "predict",
    "__class__",
    "",
    "row_shape_in_",
]
ODD_NUMBERS = [0, 1, -1, 7, 2**31, 1e5, 7e4, -1e30, 1e37, 3e38, 1e100, 1e154, -1e300, 1.7e308]
ODD_NUMBERS += [np.nan, np.inf, -np.inf, 1e-40, 5e-324]
DTYPES = ["bool", "int8", "uint8", "int16", "int32", "int64", "uint64"]
DTYPES += ["float16", "float32", "float64"]


def paths_of(value, path=()):
    """All paths into a JSON value, the empty one first."""
    yield path
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    for key in keys:
        yield from paths_of(value[key], (*path, key))


def at(value, path):
    for key in path:
        value = value[key]
    return value


def change_content(rng, content):
    """Replace, delete, copy or add one value somewhere in the JSON."""
    paths = list(paths_of(content))[1:]
    *parent, key = paths[rng.integers(len(paths))]
    parent = at(content, parent)
    kind = rng.integers(5)
    if kind == 0:
        del parent[key]
    elif kind == 1:
        parent[key] = copy.deepcopy(at(content, paths[rng.integers(len(paths))]))
    elif kind == 2 and isinstance(parent, dict):
        parent[ODD_KEYS[rng.integers(len(ODD_KEYS))]] = copy.deepcopy(parent[key])
    elif kind == 3 and isinstance(parent, list):
        parent.append(parent[key])
    else:
        parent[key] = copy.deepcopy(ODD_VALUES[rng.integers(len(ODD_VALUES))])


def _numbers(rng, array):
    array = array.copy()
    if array.size:
        n_changed = rng.integers(1, array.size + 1) if rng.random() < 0.2 else 1
        at = rng.integers(array.size, size=n_changed)
        array.reshape(-1)[at] = np.array(ODD_NUMBERS[rng.integers(len(ODD_NUMBERS))]).astype(
            array.dtype
        )
    return array


def _bits(rng, array):
    content = bytearray(array.tobytes())
    for _ in range(rng.integers(1, 4) if content else 0):
        content[rng.integers(len(content))] ^= 1 << rng.integers(8)
    return np.frombuffer(bytes(content), array.dtype).reshape(array.shape)


def _shape(rng, array):
    shapes = [array.ravel(), array[None], array.T, array[..., None], array[:0], array[:-1]]
    shapes += [np.concatenate([array, array[:1]]), np.repeat(array, 2, axis=-1), array[::-1]]
    return np.ascontiguousarray(shapes[rng.integers(len(shapes))])


def _dtype(rng, array):
    return array.astype(DTYPES[rng.integers(len(DTYPES))])


def _size(rng, array):
    return (array * 10.0 ** rng.integers(-50, 300)).astype(array.dtype)


def change_arrays(rng, arrays):
    """Change one array, or leave one out, or swap two, or add one."""
    names = sorted(arrays)
    name, other = (names[i] for i in rng.integers(len(names), size=2))
    kind = rng.integers(8)
    if kind == 0:
        del arrays[name]
    elif kind == 1:
        arrays[name], arrays[other] = arrays[other], arrays[name]
    elif kind == 2:
        arrays[f"layer{rng.integers(4)}.weight" if rng.random() < 0.5 else "odd"] = arrays[name]
    elif arrays[name].ndim:
        changes = [_numbers, _numbers, _bits, _shape, _dtype, _size]
        arrays[name] = changes[rng.integers(len(changes))](rng, arrays[name])


def change_bytes(rng, path):
    """Flip or cut off bytes, most of them in the header; the checksum need not fit."""
    content = bytearray(path.read_bytes())
    for _ in range(rng.integers(1, 5)):
        end = min(len(content), 300) if rng.random() < 0.7 else len(content)
        content[rng.integers(end)] ^= 1 << rng.integers(8)
    path.write_bytes(content[: rng.integers(len(content))] if rng.random() < 0.2 else content)


def hostile_file(rng, student, path):
    """Write a file with one or two changes of a student (header, arrays)."""
    header, arrays = (dict(each) for each in student)
    content = json.loads(header["content"])
    for _ in range(1 + rng.integers(3) // 2):
        if rng.random() < 0.5 and len(content):
            change_content(rng, content)
        elif arrays:
            change_arrays(rng, arrays)
    if rng.random() < 0.02:
        header["format_version"] = ["", "1", "4", "٢", "9" * 5000, "-1"][rng.integers(6)]
    write_student(path, header, json.dumps(content), arrays)
    if rng.random() < 0.1:
        change_bytes(rng, path)


def read_students():
    """The students of tests/students and rows for each, by name."""
    students = {}
    for path in sorted(FOLDER.glob("*.safetensors")):
        X = json.loads(path.with_suffix(".json").read_text())["X"]
        X = pd.DataFrame(X) if isinstance(X, dict) else np.array(X)
        students[path.stem] = read_student(path), X
    return students


def outcome_of(path, X):
    """Load a file and ask the student: "refused", "no answer" or "answers".

    Raises
    ------
    AssertionError
        If the answer is not finite, not a probability or not a class, or of another shape.
    """
    try:
        model = skdistill.load(path)
    except ValueError:
        return "refused"
    assert repr(model)
    assert model.report_
    assert model.n_iter_ >= 0
    try:
        predicted = model.predict(X)
    except ValueError:
        return "no answer"
    if hasattr(model, "predict_proba"):
        check_labels(model, X, predicted)
    else:
        check_targets(model, X, predicted)
    return "answers"


def check_labels(clf, X, labels):
    """Check the labels and probabilities of a classifier."""
    proba = clf.predict_proba(X)
    assert proba.shape == (len(X), len(clf.classes_))
    assert np.isfinite(proba).all()
    assert np.allclose(proba.sum(axis=1), 1)
    assert set(labels.tolist()) <= set(clf.classes_.tolist())


def check_targets(reg, X, targets):
    """Check the targets and quantiles of a regressor."""
    assert targets.shape == ((len(X), reg.n_outputs_) if reg.n_outputs_ > 1 else (len(X),))
    assert np.isfinite(targets).all()
    if reg.quantiles_:
        quantiles = reg.predict(X, quantiles=True)
        assert quantiles.shape == (len(X), len(reg.quantiles_))
        assert np.isfinite(quantiles).all()
        assert (np.diff(quantiles) >= 0).all()


def fuzz(n_files, seed, folder):
    """Try many files; return how often each outcome was seen.

    Raises
    ------
    AssertionError
        With the number of the file, which the same seed writes again.
    """
    students, counts, path = list(read_students().values()), Counter(), Path(folder) / "student"
    for number in range(n_files):
        rng = np.random.default_rng([seed, number])
        student, X = students[number % len(students)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the changes
            hostile_file(rng, student, path)
        try:
            counts[outcome_of(path, X)] += 1
        except Exception as error:
            raise AssertionError(f"file {number} of seed {seed}: {error!r}") from error
    return counts


EXECUTES = ("exec", "compile", "os.system", "os.exec", "os.spawn", "os.posix_spawn", "os.fork")
EXECUTES += ("subprocess.", "pickle.", "marshal.", "ctypes.", "socket.")


def forbid_execution():
    """From now on, an event of this process that executes something is an error."""

    def check(event, args):
        if event.startswith(EXECUTES):
            raise AssertionError(f"{event}{args!r:.200}")

    sys.addaudithook(check)


def main(n_files=100_000, seed=0):
    """Try many files, and print outcomes, time and memory."""
    import resource  # not on Windows

    warnings.simplefilter("error")
    warnings.simplefilter("ignore", UserWarning)  # a table with names for a student without
    with tempfile.TemporaryDirectory() as folder:
        fuzz(300, seed, folder)  # imports what is needed
        before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
        forbid_execution()
        counts = fuzz(n_files, seed, folder)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        tracemalloc.start()
        fuzz(300, seed, folder)
        peak = tracemalloc.get_traced_memory()[1]
        print(f"{n_files:,} files in {time.monotonic() - started:.0f} s: {dict(counts)}")
        print(f"largest memory {before / 1024:.0f} MiB before, {after / 1024:.0f} MiB after")
        print(f"largest memory traced by Python {peak / 2**20:.1f} MiB")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
