"""Columns of text as what they hold: numbers, booleans and dates, or else categories."""

import re

# A number with a decimal point, and one with a decimal comma; both may be grouped by thousands.
SPACES = "'’ \u00a0\u202f"
NUMBER = {
    point: re.compile(
        rf"[+-]?(inf|infinity|(?=[.,]?\d)"
        rf"(\d{{1,3}}(?P<group>[{comma}{SPACES}])\d{{3}}((?P=group)\d{{3}})*|\d+)?"
        rf"({re.escape(point)}\d*)?(e[+-]?\d+)?)",
        re.IGNORECASE,
    )
    for point, comma in ((".", ","), (",", "."))
}
MISSING = {"?", "-", "--", ".", "n.a.", "#"}  # where all else in the column is a number
BOOLEAN = {"true": True, "false": False}
ISO = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d+)?)?)?(Z|[+-]\d\d(:?\d\d)?)?", re.IGNORECASE
)
MONTH = r"(jan|feb|mar|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)[a-z]*\.?"
OTHER_DATE = re.compile(
    rf"(\d{{1,4}}[./-]\d{{1,2}}[./-]\d{{2,4}}|\d{{1,2}}[. -]+{MONTH}[ -]*\d{{2,4}}"
    rf"|{MONTH} \d{{1,2}},? +\d{{4}}|\d{{1,2}}:\d\d)(:\d\d)?([ T,]+.*)?",
    re.IGNORECASE,
)
DAYS = "Column {!r} holds dates, taken as days since 1970-01-01.".format
MANY = 20  # values from which on it is told whether they repeat
MIN_WORDS = 3  # of free text, on average


def typed(frame, *, decimal=None, delimiter=None, text=(), labels=None):
    """Turn columns of text into what they hold.

    Parameters
    ----------
    frame : DataFrame
        Of text.
    decimal : {".", ","}, default=None
        The decimal separator; None: recognized from all columns.
    delimiter : str, default=None
        Of the file, which tells more of ambiguous numbers.
    text : collection of str
        Names of columns that stay text.
    labels : str, default=None
        Name of a column in which dates stay text.

    Returns
    -------
    frame : DataFrame
    notes : list of str

    Raises
    ------
    ValueError
        If a column holds numbers or dates that can be read in two ways.
    """
    distinct = {name: list(frame[name].dropna().unique()) for name in frame if name not in text}
    decimals = _decimals(distinct, decimal, delimiter)
    columns, notes = dict(frame.items()), []
    for name, values in distinct.items():
        column, note = _converted(frame[name], name, values, decimals, name == labels)
        columns[name] = column
        notes += [note] if note else []
    return frame.assign(**columns), notes


def dates_as_days(frame):
    """Turn dates into days since 1970; return the frame, and notes."""
    dates = [name for name in frame if frame[name].dtype.kind == "M"]
    return frame.assign(**{name: _days(frame[name]) for name in dates}), list(map(DAYS, dates))


def _converted(column, name, values, decimals, is_label):
    """Return a column of text as what its distinct values are, and a note."""
    import pandas as pd

    if not values:
        return column.astype(float), None
    if {value.lower() for value in values} <= BOOLEAN.keys():
        return column.map(lambda value: BOOLEAN[value.lower()], na_action="ignore").astype(
            "boolean" if column.isna().any() else "bool"
        ), None
    if name in decimals:
        return _numbers(column, name, values, decimals[name])
    if is_label:
        return column, None
    if all(map(ISO.fullmatch, values)):
        dates = pd.to_datetime(column, format="ISO8601", utc=True, errors="coerce")
        if (strange := column[dates.isna()].dropna()).size:
            raise ValueError(f"Column {name!r} has no date, but {strange.iloc[0]!r}: correct it.")
        return _days(dates), DAYS(name)
    if all(map(OTHER_DATE.fullmatch, values)):
        raise ValueError(
            f"Column {name!r} holds dates or times such as {values[0]!r}, which are recognized "
            "only as 2025-12-31 or 2025-12-31 23:59: write them so, or as numbers, or "
            f"leave the column out at fit, by --drop {_quoted(name)}."
        )
    others = [value for value in values if not NUMBER["."].fullmatch(value)]
    if len(others) < len(values) / 2:
        return column, (
            f"Column {name!r} holds numbers, but also {others[0]!r:.60}, so all of them are "
            "categories: correct these values, or leave the cells empty if they are missing."
        )
    return column, None


def _days(column):
    """Return dates as days since 1970."""
    import pandas as pd

    epoch = pd.Timestamp(0, tz=column.dt.tz)
    return ((column - epoch) / pd.Timedelta(days=1)).astype(float)


def _numbers(column, name, values, decimal):
    """Return a column of text as numbers."""
    import pandas as pd

    absent = sorted(MISSING.intersection(values))
    plain = {value: _plain(value, decimal) for value in values if value not in MISSING}
    numbers = pd.to_numeric(column.map(plain))
    if numbers.dtype == object:  # whole numbers beyond 64 bits
        numbers = numbers.astype(float)
    changed = next((value for value, text in plain.items() if value.strip() != text), None)
    told = [f"{changed!r} is {plain[changed]}"] if changed else []
    told += [f"{' and '.join(map(repr, absent))} counts as missing"] if absent else []
    return numbers, f"Column {name!r} holds numbers: {', '.join(told)}." if told else None


def _plain(value, decimal):
    """Return a number as Python writes it."""
    value = re.sub(f"[{',' if decimal == '.' else '.'}{SPACES}]", "", value.strip())
    return value.replace(decimal, ".")


def _decimals(distinct, decimal, delimiter):
    """Return the decimal separator of each column of numbers, by its name.

    All numbers of a file are taken to be written alike, so that a column of which one cannot tell
    follows those of which one can.
    """
    fits = {name: _fitting(values) for name, values in distinct.items()}
    fits = {name: separators for name, separators in fits.items() if separators}
    known = {decimal} if decimal else {each for s in fits.values() if len(s) == 1 for each in s}
    found = {}
    for name, separators in fits.items():
        unclear = [value for value in distinct[name] if re.search("[.,]", value)]
        if len(separators) == 1:
            found[name] = separators[0]
        elif not unclear:
            found[name] = "."
        elif len(known) == 1:
            found[name] = next(iter(known))
        elif not known and (delimiter == "," or "," not in "".join(unclear)):
            found[name] = "."
        else:
            separator = "," if "," in unclear[0] else "."
            raise ValueError(
                f"Column {name!r} has {unclear[0]!r}, of which one cannot tell whether "
                f"{separator!r} separates decimals or thousands: say --decimal . or --decimal , "
                "(the character in front of decimals)."
            )
    return found


def _fitting(values):
    """Return the decimal separators with which all values are numbers, but for missing ones."""
    present = [value.strip() for value in values if value not in MISSING]
    if not present:
        return []
    return [point for point in NUMBER if all(map(NUMBER[point].fullmatch, present))]


def suspects(X):
    """Name the columns that a model hardly learns from: ids, row numbers and free text.

    Parameters
    ----------
    X : DataFrame

    Returns
    -------
    notes : list of str
    """
    kinds = {name: _kind_of(X[name].dropna()) for name in X}
    return [
        f"Column {name!r} looks like {kind} ({X[name].astype(str).nunique():,} values in "
        f"{len(X):,} rows, such as {str(X[name].dropna().iloc[0])!r:.60}): leave it out by --drop "
        f"{_quoted(name)}."
        for name, kind in kinds.items()
        if kind
    ]


def _kind_of(column):
    """Return what a column is that should not be trained on; None if it may be."""
    if len(column) < MANY:
        return None
    if column.dtype.kind in "iu":
        return "a row number" if _counts(column) else None
    if column.dtype.kind in "fbM" or column.astype(str).nunique() <= len(column) / 2:
        return None
    words = column.astype(str).str.split().str.len().mean()
    return "free text" if words >= MIN_WORDS else "an id"


def _counts(column):
    """Tell whether whole numbers count the rows, in any order."""
    return column.is_unique and column.max() - column.min() == len(column) - 1


def _quoted(name):
    return name if re.fullmatch(r"[\w.-]+", str(name)) else f"'{name}'"
