"""How Sphinx builds the documentation: `make docs`."""

import inspect
import re
from pathlib import Path

from sphinx.errors import ExtensionError
from sphinx_gallery.sorting import ExplicitOrder

import skdistill

EXAMPLES = Path(__file__).parents[1] / "examples" / "gallery"
SOURCES = "https://github.com/skdistill/skdistill/blob/main/"
# The address of a link that leaves docs/. A picture, `![…](../…)`, is copied from where it is.
OUTSIDE = re.compile(r"(?<!!)(\[(?:[^\[\]]|\[[^\]]*\])*\]\()\.\./")

FIRST_EXAMPLES = [
    "plot_first_distillation.py",
    "plot_own_ensemble.py",
    "plot_reading_a_report.py",
    "plot_combination_rules.py",
    "plot_grid_search.py",
    "plot_text.py",
]

project = "skdistill"
author = copyright = "the skdistill developers"
version = release = skdistill.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = [  # pages of examples that are no longer there
    f"gallery/{page.name}"
    for page in Path(__file__).with_name("gallery").glob("plot_*.rst")
    if not (EXAMPLES / f"{page.stem}.py").exists()
]
default_role = "obj"  # a link where there is one

myst_heading_anchors = 4  # those of GitHub

autodoc_inherit_docstrings = False
autodoc_typehints = "none"  # the docstrings have them
numpydoc_show_class_members = False  # _templates/autosummary/class.rst lists them

sphinx_gallery_conf = {
    "examples_dirs": str(EXAMPLES),
    "gallery_dirs": "gallery",
    "within_subsection_order": ExplicitOrder([*FIRST_EXAMPLES, "*"]),
    "doc_module": ("skdistill",),
    "reference_url": {"skdistill": None},
    "parallel": 2,
    "download_all_examples": False,
    "show_signature": False,
    "min_reported_time": 3600,  # a busy machine's seconds would mislead
    "capture_repr": ("_repr_html_",),  # tables, and no "<… at 0x…>"
    "remove_config_comments": True,
}

html_theme = "pydata_sphinx_theme"
html_title = "skdistill"
html_static_path = ["_static"]
html_css_files = ["wide.css"]
html_theme_options = {
    "github_url": "https://github.com/skdistill/skdistill",
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "navbar_align": "left",
}


def link_to_sources(app, docname, source):
    """Let a link of a page to a file outside docs/ lead to GitHub, as it does there."""
    source[0] = OUTSIDE.sub(rf"\1{SOURCES}", source[0])


def skip_inherited(app, what, name, obj, skip, options):
    """Leave out what scikit-learn, skorch and torch document."""
    function = inspect.unwrap(obj.fget if isinstance(obj, property) else obj)
    home = getattr(function, "__module__", None) or ""
    return skip or not home.startswith("skdistill")


def check_pictures(app, exception):
    """Fail if an example of the gallery ends without a picture."""
    pictures = Path(app.srcdir) / "gallery" / "images"
    without = [
        example.name
        for example in EXAMPLES.glob("plot_*.py")
        if not (pictures / f"sphx_glr_{example.stem}_001.png").exists()
    ]
    if without and exception is None:
        raise ExtensionError(f"{', '.join(without)}: an example of the gallery draws a picture.")


def setup(app):
    """Connect these to Sphinx."""
    app.connect("source-read", link_to_sources)
    app.connect("autodoc-skip-member", skip_inherited)
    app.connect("build-finished", check_pictures)
