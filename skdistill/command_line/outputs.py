"""Files that the commands write: checked before long work."""

from importlib.util import find_spec
from pathlib import Path

from skdistill.serving.writing import check_can_write, whole_file


def check_out(path):
    """Check that a file can be written, in a folder that is there.

    Parameters
    ----------
    path : str

    Returns
    -------
    path : Path

    Raises
    ------
    ValueError
        If the folder does not exist: a misspelt path must not create one.
    OSError
        If the file cannot be written, or if it is a folder.
    ImportError
        If it is a safetensors file, and safetensors is not installed.
    """
    out = Path(path)
    if not out.parent.exists():
        raise ValueError(
            f"there is no folder {str(out.parent)!r} for {out.name!r}: create it first (mkdir -p), "
            "or name a file in another folder."
        )
    if out.suffix == ".safetensors" and find_spec("safetensors") is None:
        raise ImportError(
            f"{str(out)!r} needs safetensors: pip install 'skdistill[serve]', or name it .joblib."
        )
    check_can_write(out)
    return out


def check_picture(path, out=None):
    """Check that a picture can be drawn and written.

    Parameters
    ----------
    path : str or None
        PNG if it has no suffix.
    out : Path, default=None
        Another file that is written.

    Returns
    -------
    path : Path or None

    Raises
    ------
    ValueError
        If matplotlib does not know its format, or if it is the same file as `out`.
    ImportError
        If matplotlib is not installed.
    """
    if path is None:
        return None
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "--picture needs matplotlib: pip install 'skdistill[plot]', or leave --picture out."
        ) from error
    picture = Path(path)
    if not picture.suffix:
        picture = picture.with_name(f"{picture.name}.png")
    known = sorted(Figure().canvas.get_supported_filetypes())
    if picture.suffix[1:].lower() not in known:
        raise ValueError(f"--picture is {str(picture)!r}, but must end with one of {known}.")
    check_out(picture)
    if out is not None and picture.resolve() == out.resolve():
        raise ValueError(f"--out and --picture are the same file, {str(out)!r}: name two files.")
    return picture


def check_page(path, out=None):
    """Check that a report can be written as HTML.

    Parameters
    ----------
    path : str or None
    out : Path, default=None
        Another file that is written.

    Returns
    -------
    path : Path or None

    Raises
    ------
    ValueError
        If the name does not end with .html or .htm, or if it is the same file as `out`.
    """
    if path is None:
        return None
    page = Path(path)
    if page.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"--html is {str(page)!r}, but must end with .html or .htm.")
    check_out(page)
    if out is not None and page.resolve() == out.resolve():
        raise ValueError(f"--out and --html are the same file, {str(out)!r}: name two files.")
    return page


def save_page(report, page):
    """Write a report as HTML, and say so."""
    report.save(page)
    print(f"Report: {page}")


def draw(report, picture, **kwargs):
    """Draw a report into a file, and say so."""
    display = report.plot(**kwargs)
    with whole_file(picture) as file:
        display.figure_.savefig(file, dpi=150, format=picture.suffix[1:].lower())
    print(f"Picture: {picture}")
