"""A report as one HTML file: tables, pictures of both color schemes, and what the words mean."""

from base64 import b64encode
from html import escape
from io import BytesIO

from skdistill.inspection.agreement_display import AgreementDisplay
from skdistill.inspection.conclusion import conclusion
from skdistill.inspection.facts import MOST_NAMES, student_cells, teacher_cells
from skdistill.inspection.subjects import POOL, STUDENT, TEACHER
from skdistill.inspection.tables import html_table

LIGHT, DARK = "#ffffff", "#14171c"
GRID = "#808890"  # seen on both
MOST_SHAPES = 300  # points, say, that are drawn as such; more are a bitmap within the picture
DOTS = 200  # of that bitmap, per inch
STYLE = f"""\
:root {{ color-scheme: light dark; --page: {LIGHT}; --text: #1b1f24; --soft: #5c6670;
  --line: #d6dbe0; --stripe: #f4f6f8; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --page: {DARK}; --text: #e4e7eb; --soft: #9aa4af; --line: #343b44; --stripe: #1c2127; }}
}}
body {{ margin: 2rem auto; max-width: 62rem; padding: 0 1rem; background: var(--page);
  color: var(--text); font: 16px/1.5 system-ui, sans-serif; }}
h1 {{ font-size: 1.7rem; margin-bottom: 0.3rem; }}
h2 {{ font-size: 1.2rem; margin: 2.2rem 0 0.6rem; }}
p, dd {{ max-width: 46rem; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }}
th, td {{ padding: 0.3rem 0.8rem; text-align: right; border-bottom: 1px solid var(--line); }}
th {{ color: var(--soft); font-weight: 600; }}
th:first-child {{ text-align: left; }}
td:first-child {{ white-space: nowrap; }}
.facts td {{ text-align: left; }}
tr:nth-child(odd) td {{ background: var(--stripe); }}
img {{ max-width: 100%; height: auto; }}
dt {{ font-weight: 600; }}
dd {{ margin: 0 0 0.5rem; color: var(--soft); }}
.soft {{ color: var(--soft); }}"""
WORDS = {
    "log loss": "mean negative logarithm of the probability of the label; lower is better",
    "accuracy": "share of rows whose most probable class is the label",
    "AUC": "mean area under the ROC curves of each class against the others",
    "Brier score": "mean squared distance of the probabilities to the one-hot label, from 0 to 2",
    "calib. error": "mean gap between confidence and accuracy, in 15 bins; 0 is calibrated",
    "RMSE": "root of the mean squared error, in the unit of the target",
    "MAE": "mean absolute error, in the unit of the target",
    "R2": "share of the target's variance that is explained",
    "coverage": "share of targets between the outer quantiles, and what it should be",
    "agreement": "share of rows that get the class of {reference}",
    "agreement, R2": "R2 of the predictions, with those of {reference} as the target",
    "NDCG@10": "mean normalized discounted cumulative gain of the first ten rows of a query",
    "agreement, tau": "mean Kendall's tau with {reference}, within queries",
    "KL": "mean Kullback-Leibler divergence from {reference}, in nats",
    "size, kB": "of the joblib file, that of a student without its teachers",
    "one row, us": "median time to predict one row, in microseconds",
}


def _student_against_pool(report):
    """Return the display of the student's predictions over the pool's, where both are known."""
    known = {} if report.predictions is None else report.predictions.by_model
    if not {POOL, STUDENT} <= known.keys():
        return None
    return AgreementDisplay.from_predictions(
        known[POOL], known[STUDENT], classes=report.predictions.classes
    )


def _quality_and_cost(report):
    """Return the display of the report, where it has losses and sizes."""
    is_known = report.rows[-1].loss is not None and any(row.kilobytes for row in report.rows)
    return report.plot() if is_known else None


# What is drawn, in this order: a title, and a function of the report that returns a display with
# `figure_`, or None where the report has not what it needs.
PICTURES = [
    ("Quality and cost", _quality_and_cost),
    ("Where student and teachers part, rows numbered from 0", _student_against_pool),
]


def html_page(report):
    """Return a report as HTML that needs no other file.

    Parameters
    ----------
    report : DistillationReport

    Returns
    -------
    html : str
    """
    title = "Models side by side"
    if report.facts:
        title = f"{report.facts['estimator']}: distillation report"
    sections = [
        f"<h1>{escape(title)}</h1>",
        _introduction(report),
        _section("Models", _table(report._model_cells(), bold=[report.reference, STUDENT])),
        *(_section(name, html) for name, html in _pictures(report)),
        _section("By class", _by_class(report)),
        *(
            _section(f"By {name}", _by_slice(report, values))
            for name, values in report.slices.items()
        ),
        _section("Teachers", _table(teacher_cells(report.facts))),
        _section("The student", _table(student_cells(report.facts), kind="wide facts")),
        _section("Words", _words(report)),
    ]
    body = "\n".join(part for part in sections if part)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{STYLE}\n</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def _section(title, html):
    return f"<h2>{escape(title)}</h2>\n{html}" if html else ""


def _table(cells, bold=(), kind="wide"):
    if len(cells) < 2:
        return ""
    return f'<div class="{kind}">\n{html_table(cells, bold=bold)}\n</div>'


def _introduction(report):
    """Return what was gained and lost, in one sentence, and on which rows."""
    n_rows = report.facts.get("test_rows") or (report.predictions and len(report.predictions))
    if not n_rows:
        return ""
    told = conclusion(report, n_rows)
    if not told:
        labels = "" if report.rows[0].loss is not None else ", which have no labels"
        told = f"Measured on {n_rows:,} held-out rows{labels}."
    return f"<p>{escape(told)}</p>"


def _pictures(report):
    """Yield titles and pictures, each drawn on light and on dark."""
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        yield "Pictures", '<p class="soft">Pictures need matplotlib, which was not installed.</p>'
        return
    for title, draw in PICTURES:
        drawn = [_as_svg(plt, report, draw, page) for page in (LIGHT, DARK)]
        if all(drawn):
            light, dark = (f"data:image/svg+xml;base64,{b64encode(svg).decode()}" for svg in drawn)
            yield (
                title,
                f'<picture><source media="(prefers-color-scheme: dark)" srcset="{dark}">'
                f'<img src="{light}" alt="{escape(title)}"></picture>',
            )


def _as_svg(plt, report, draw, page):
    """Draw on a background of the color of the page; None if there is nothing to draw."""
    style = ["default", "dark_background"] if page == DARK else ["default"]
    colors = {f"{each}.facecolor": page for each in ("figure", "axes", "savefig")}
    colors["grid.color"] = GRID
    with plt.ioff(), plt.style.context([*style, {**colors, "svg.hashsalt": "skdistill"}]):
        display = draw(report)
        if display is None:
            return None
        for ax in display.figure_.axes:
            for drawn in ax.collections:  # thousands of shapes would be a large file
                if len(drawn.get_offsets()) > MOST_SHAPES:
                    drawn.set_rasterized(True)
        file = BytesIO()
        display.figure_.savefig(file, format="svg", dpi=DOTS, metadata={"Date": None})
        plt.close(display.figure_)
    return file.getvalue()


def _by_class(report):
    """Return the measures of the main models by class; empty where there are none."""
    predictions = report.predictions
    if predictions is None or predictions.classes is None or predictions.y is None:
        return ""
    if len(predictions.classes) > MOST_NAMES:
        return ""
    rows = report._class_measures()
    return _table(_side_by_side(rows, "class", "support", _main(report), CLASS_MEASURES))


CLASS_MEASURES = {
    "log_loss": ("log loss", ".4f"),
    "precision": ("precision", ".1%"),
    "recall": ("recall", ".1%"),
}
SLICE_MEASURES = {
    "log_loss": ("log loss", ".4f"),
    "rmse": ("RMSE", ".4g"),
    "ndcg": ("NDCG@10", ".4f"),
    "agreement": ("agreement", ".3f"),
    "kl_divergence": ("KL", ".4f"),
}


def _by_slice(report, values):
    rows = report._slice_measures(values)
    return _table(_side_by_side(rows, "slice", "rows", _main(report), SLICE_MEASURES))


def _main(report):
    """Return the names of the models that are no single teachers."""
    return [row.name for row in report.rows if not row.name.startswith(TEACHER)]


def _side_by_side(rows, key, count, names, measures):
    """Return the cells of a table with one line for each class or slice.

    Each measure has a column for each model; agreement and KL have none for the pool.
    """
    found = {(row[key], row["model"]): row for row in rows}
    lines = list(dict.fromkeys(row[key] for row in rows))
    counts = [f"{found[line, names[0]][count]:,}" for line in lines]
    cells = [[key, *map(str, lines)], ["rows", *counts]]
    for measure, (title, spec) in measures.items():
        for name in names:
            if measure in ("agreement", "kl_divergence") and name == POOL:
                continue
            values = [found[line, name].get(measure) for line in lines]
            texts = ["" if each is None else format(each, spec) for each in values]
            cells += [[f"{title}: {name}", *texts]] if any(texts) else []
    return list(map(list, zip(*cells)))


def _words(report):
    """Explain the columns of the table of models."""
    reference = f"the {POOL}" if report.reference == POOL else report.reference
    lines = [
        f"<dt>{escape(word)}</dt><dd>{escape(WORDS[word].format(reference=reference))}</dd>"
        for word in report._model_cells()[0]
        if word in WORDS
    ]
    return "\n".join(["<dl>", *lines, "</dl>"])
