"""Tables from files: CSV in whatever encoding and with whatever delimiter, and Parquet."""

import bz2
import codecs
import csv
import gzip
import io
import lzma
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from skdistill.command_line.columns import dates_as_days, typed

DELIMITERS = ",;\t|"
BY_NAME = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";"}
OPENERS: dict[str, Callable] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
# Longer ones first: the mark of UTF-32 begins with that of UTF-16.
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
SAMPLE = 1 << 16  # bytes from which encoding and delimiter are recognized


def read_table(
    path,
    *,
    delimiter=None,
    encoding=None,
    decimal=None,
    columns=None,
    text=(),
    drop=(),
    target=None,
):
    """Read a table from a file.

    Parameters
    ----------
    path : str or path-like
        Parquet by its suffix, otherwise CSV, also compressed (.gz, .bz2, .xz).
    delimiter, encoding, decimal : str, default=None
        Of a CSV file. None: recognized.
    columns : list of str, default=None
        Names of the columns to keep, in this order. None: all.
    text : collection of str
        Names of columns that stay text, as the model's categories are.
    drop : list of str
        Names of columns to leave out.
    target : str, default=None
        Name of the column with the labels. Rows without a label are left out.

    Returns
    -------
    frame : DataFrame
        Numbers, booleans and text. Dates are days since 1970-01-01.
    notes : list of str
        What was recognized and is not obvious, as sentences.

    Raises
    ------
    ValueError
        If the file cannot be read without doubt. The message says what to do.
    ImportError
        If pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("tables need pandas: pip install 'skdistill[table]'.") from error

    path = Path(path)
    if not path.exists():
        raise ValueError(f"there is no file {str(path)!r}: give the path of a CSV or Parquet file.")
    if path.is_dir():
        raise ValueError(f"{str(path)!r} is a folder: give the path of a CSV or Parquet file.")
    is_csv = path.suffix not in (".parquet", ".pq")
    if is_csv:
        frame, delimiter, notes = _read_csv(path, delimiter, encoding)
    else:
        frame, notes = pd.read_parquet(path), []
    frame = _only(frame, columns, path) if columns else _without(frame, drop)
    if target is not None:
        frame, more = _labeled(frame, target)
        notes += more
    if is_csv:
        frame, more = typed(frame, decimal=decimal, delimiter=delimiter, text=text, labels=target)
    else:
        frame, more = dates_as_days(frame)
    return frame, notes + more


def _only(frame, columns, path):
    """Leave out all other columns; refuse a table that lacks one."""
    lacking = [name for name in columns if name not in frame.columns]
    if lacking:
        raise ValueError(
            f"{str(path)!r} lacks the columns {lacking}, on which the model was fitted (or the "
            f"target, or the query): it has {list(frame.columns)}."
        )
    return frame[columns]


def _without(frame, drop):
    """Leave columns out; refuse names that there are not."""
    strange = [name for name in drop if name not in frame.columns]
    if strange:
        raise ValueError(
            f"--drop names {strange}, which are no columns: choose among {list(frame.columns)}."
        )
    return frame.drop(columns=list(drop))


def _labeled(frame, target):
    """Leave out the rows without a label; return the frame, and how many they were."""
    if target not in frame.columns:
        nameless = all(_is_number(name) for name in frame.columns)
        got = f"is {target!r}" if target else "is missing"
        raise ValueError(
            f"--target {got}, but must name the column with the labels: choose among "
            f"{list(frame.columns)}."
            + (" The first row of the file must name the columns." if nameless else "")
        )
    has_label = frame[target].notna()
    if has_label.all():
        return frame, []
    n_without, n_rows = int((~has_label).sum()), len(frame)
    if n_without == n_rows:
        raise ValueError(
            f"--target {target!r} has no labels: all of its {n_rows:,} rows are empty."
        )
    return frame[has_label].reset_index(drop=True), [
        f"{n_without:,} of {n_rows:,} rows have no label in {target!r} and are left out."
    ]


def _is_number(name):
    try:
        float(name)
    except (TypeError, ValueError):
        return False
    return True


def _read_csv(path, delimiter, encoding):
    """Read a CSV file as text; return the frame, the delimiter, and notes."""
    import pandas as pd

    with OPENERS.get(path.suffix, open)(path, "rb") as file:
        sample = file.read(SAMPLE)
    found = _known(encoding) or _encoding_of(path, sample)
    try:
        delimiter = BY_NAME.get(delimiter, delimiter) or _delimiter_of(path, sample, found)
        if len(delimiter) != 1:
            raise ValueError(f"--delimiter must be one character, or tab, got {delimiter!r}.")
        frame = _cells(path, sep=delimiter, encoding=found)
    except UnicodeDecodeError as error:
        raise ValueError(_wrong_encoding(path, found, error)) from error
    except (pd.errors.ParserWarning, pd.errors.ParserError) as error:
        raise ValueError(
            f"{str(path)!r} has rows with more fields than its first row, which must name all "
            f"columns: correct these rows ({str(error).strip()})."
        ) from error
    frame.columns = [str(name).strip() for name in frame.columns]
    said = [f"the encoding is {found}"] if found not in ("utf-8", "utf-8-sig", encoding) else []
    said += [f"the delimiter is {delimiter!r}"] if delimiter != "," else []
    return frame, delimiter, [f"In {path.name}, {' and '.join(said)}."] if said else []


def _cells(path, **layout):
    """Return the cells of a CSV file as text, missing ones as NaN."""
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(path, dtype=str, index_col=False, skipinitialspace=True, **layout)


def _known(encoding):
    """Return the name of an encoding; refuse one that Python does not know."""
    try:
        return encoding and codecs.lookup(encoding).name
    except LookupError as error:
        raise ValueError(f"--encoding {encoding!r} is unknown: such as utf-8, cp1252.") from error


def _encoding_of(path, sample):
    """Return the encoding that the first bytes tell; UTF-8 if they tell none."""
    for mark, encoding in MARKS.items():
        if sample.startswith(mark):
            return encoding
    if not sample.strip():
        raise ValueError(f"{str(path)!r} is empty: give a CSV file whose first row names columns.")
    if b"\0" in sample:
        raise ValueError(
            f"{str(path)!r} is not a text file: save the table as CSV or Parquet (for text in "
            "UTF-16, say --encoding utf-16-le)."
        )
    return "utf-8"


def _wrong_encoding(path, encoding, error):
    """Say where a file is not in its encoding, and what another one would make of it."""
    around = error.object[max(0, error.start - 12) : error.start + 12]
    guess = around.decode("cp1252", errors="replace")
    return (
        f"{str(path)!r} is not in {encoding}: {around!r} is not. Name its encoding: --encoding "
        f"cp1252 would read {guess!r} (Excel in Western Europe and America); others are cp1250, "
        "cp1251, cp932, gbk and utf-16."
    )


def _delimiter_of(path, sample, encoding):
    """Return the delimiter by which the rows of a sample have the fields that the header has."""
    text = codecs.getincrementaldecoder(encoding)().decode(sample)
    widths = {each: _widths(text, each, len(sample) == SAMPLE) for each in DELIMITERS}
    fitting = {each: n[0] for each, n in widths.items() if _is_table(n)}
    if fitting:
        return max(fitting, key=fitting.__getitem__)
    if all(max(n, default=1) == 1 for n in widths.values()):
        header = text.strip().splitlines()[0]
        raise ValueError(
            f"{str(path)!r} has one column only, {header!r:.60}: if another character than one of "
            f"{' '.join(map(repr, DELIMITERS))} separates columns, name it by --delimiter."
        )
    likely = max(widths, key=lambda each: max(widths[each], default=0))
    told = ", ".join(f"{k:,} rows of {n}" for n, k in Counter(widths[likely]).most_common(3))
    raise ValueError(
        f"the rows of {str(path)!r} do not have the {widths[likely][0]} fields of the first one "
        f"(with the delimiter {likely!r} there are {told}): let the first row name all columns, "
        "remove lines above and below the table, or name another delimiter by --delimiter."
    )


def _is_table(widths):
    """Tell whether no row has more fields than the header, and most have as many."""
    if not widths or widths[0] < 2 or max(widths) > widths[0]:
        return False
    return widths.count(widths[0]) > len(widths) / 2


def _widths(text, delimiter, is_cut):
    """Count the fields of each row, without empty rows and the one that is cut off."""
    lines = io.StringIO(text, newline=None)
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    try:
        widths = [len(row) for row in reader if row]
    except csv.Error:  # a field longer than csv takes
        return []
    return widths[:-1] if is_cut and len(widths) > 1 else widths
