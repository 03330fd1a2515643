"""Tables of a report: as frames of pandas, and as HTML."""

from html import escape


def as_frame(rows):
    """Return dicts as a DataFrame of pandas.

    Raises
    ------
    ImportError
        If pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("a frame needs pandas: pip install 'skdistill[table]'") from error
    return pd.DataFrame(rows)


def aligned(cells):
    """Return the lines of a table of texts: the first column on the left, numbers on the right.

    Parameters
    ----------
    cells : list of list of str
        By row, the header first.

    Returns
    -------
    lines : list of str
    """
    widths = [max(map(len, column)) for column in zip(*cells)]
    return [
        "  ".join([name.ljust(widths[0]), *map(str.rjust, numbers, widths[1:])])
        for name, *numbers in cells
    ]


def html_table(cells, *, bold=()):
    """Return texts as an HTML table.

    Parameters
    ----------
    cells : list of list of str
        By row, the header first. The first column is text, the others are numbers.
    bold : collection of str
        Texts of the first column that are bold.

    Returns
    -------
    html : str
    """
    header, *rows = cells
    lines = ["".join(f"<th>{escape(cell)}</th>" for cell in header)]
    for name, *numbers in rows:
        text = f"<b>{escape(name)}</b>" if name in bold else escape(name)
        line = [f'<td style="text-align: left">{text}</td>']
        lines.append("".join(line + [f"<td>{escape(number)}</td>" for number in numbers]))
    table = "\n".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table>\n{table}\n</table>"


def markdown_table(cells):
    """Return texts as a table of Markdown."""
    header, *rows = [[each.replace("|", "\\|").replace("\n", " ") for each in row] for row in cells]
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, rule, *rows))
