"""Draw the log loss of each effort against its time, from results/fit.json.

python benchmarks/draw_fit.py    # writes docs/images/fit.png
"""

from statistics import geometric_mean

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
from bench_fit import BEFORE, EFFORTS, VOTE, larger, ratios
from common import HERE, recorded

PICTURE = HERE.parent / "docs" / "images" / "fit.png"
INK, GRAY, STRONG = "#222222", "#8a8f98", "#0b6bcb"
NAMES = {VOTE: "voting ensemble", BEFORE: "first version", **{e: f'effort="{e}"' for e in EFFORTS}}


def draw(runs):
    """Draw a point for each kind of fit: means over data sets, relative to the voting ensemble.

    Only the larger sets that have all kinds of fits count.
    """
    kinds_of = {
        run["data"]: {each["kind"] for each in runs if each["data"] == run["data"]} for run in runs
    }
    runs = [run for run in larger(runs) if set(NAMES) <= kinds_of[run["data"]]]
    fig, ax = plt.subplots(figsize=(7, 3.8), layout="constrained")
    points = {
        kind: [geometric_mean(ratios(runs, kind, VOTE, key)) for key in ("cpu_seconds", "log_loss")]
        for kind in NAMES
        if ratios(runs, kind, VOTE, "log_loss")
    }
    line = [points[kind] for kind in EFFORTS if kind in points]
    ax.plot(*zip(*line), color=STRONG, linewidth=1.4, alpha=0.6, zorder=1)
    for kind, (seconds, loss) in points.items():
        ax.scatter(seconds, loss, s=70, color=STRONG if kind in EFFORTS else GRAY, zorder=2)
        ax.annotate(
            f"{NAMES[kind]}\n× {seconds:.3g}", (seconds, loss), (0, -9 if kind == BEFORE else 9),
            textcoords="offset points", ha="center", va="top" if kind == BEFORE else "bottom",
            fontsize=9, color=INK,
        )  # fmt: skip
    ax.set_xscale("log")
    ax.margins(x=0.15, y=0.35)
    ax.set_xlabel("CPU seconds of a fit, relative to a voting ensemble", fontsize=10)
    ax.set_ylabel("log loss, relative", fontsize=10)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color="#e6e6e6", zorder=0)
    return fig


if __name__ == "__main__":
    draw(recorded("fit")["runs"]).savefig(PICTURE, dpi=150)
    print(f"wrote {PICTURE}")
