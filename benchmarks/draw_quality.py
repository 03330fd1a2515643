"""Draw the README's picture from results/quality.json.

python benchmarks/draw_quality.py    # writes docs/images/quality.png
"""

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
from bench_quality import BEST, LABELS, STUDENT, relative_log_loss
from common import HERE, by_data, recorded

PICTURE = HERE.parent / "docs" / "images" / "quality.png"
LOWEST, HIGHEST = 0.76, 1.34  # ratios beyond are drawn at the edge, with their value
INK, GRAY, STRONG, PALE = "#222222", "#8a8f98", "#0b6bcb", "#e07b39"
STYLE = {
    LABELS: {"marker": "o", "s": 46, "facecolor": "white", "edgecolor": PALE, "linewidth": 1.6},
    BEST: {"marker": "D", "s": 34, "facecolor": GRAY, "edgecolor": "white", "zorder": 5},
    STUDENT: {"marker": "o", "s": 80, "facecolor": STRONG, "edgecolor": "white", "zorder": 4},
}
LEGEND = {STUDENT: "student", LABELS: "same net on labels", BEST: "best single teacher"}


def draw(runs):
    """Draw one line for each data set: log losses relative to the pooled teachers."""
    groups = {name: group for (name, _), group in by_data(runs).items()}
    ratios = {n: {m: relative_log_loss(group, m) for m in STYLE} for n, group in groups.items()}
    names = sorted(ratios, key=lambda name: ratios[name][STUDENT], reverse=True)

    fig, ax = plt.subplots(figsize=(8, 4.9), layout="constrained")
    ax.axvspan(LOWEST, 1, color=STRONG, alpha=0.05, zorder=0)
    ax.axvline(1, color=INK, linewidth=1.2, zorder=1)
    for height, name in enumerate(names):
        ends = [_inside(ratios[name][m]) for m in (STUDENT, LABELS)]
        ax.plot(ends, [height] * 2, color=PALE, linewidth=1.4, alpha=0.55, zorder=2)
        for m, style in STYLE.items():
            _mark(ax, ratios[name][m], height, style)
    for m, label in LEGEND.items():
        ax.scatter([], [], label=label, **STYLE[m])
    _decorate(ax, names)
    return fig


def _inside(ratio):
    """Clip a ratio to the range of the axis."""
    return min(max(ratio, LOWEST + 0.006), HIGHEST - 0.006)


def _mark(ax, ratio, height, style):
    """Draw a marker, with its value if it is at the edge."""
    ax.scatter(_inside(ratio), height, **{"zorder": 3, "clip_on": False} | style)
    if _inside(ratio) != ratio:
        right = ratio > 1
        ax.annotate(
            f"{ratio - 1:+.0%} →" if right else f"← {ratio - 1:+.0%}",
            (_inside(ratio), height),
            (-9 if right else 9, 0),
            textcoords="offset points",
            ha="right" if right else "left",
            va="center",
            fontsize=9,
            color=PALE if style["facecolor"] == "white" else style["facecolor"],
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.9},
            zorder=3,
        )


def _decorate(ax, names):
    """Label the axes."""
    ax.set_yticks(range(len(names)), names, fontsize=10)
    ax.set_xlim(LOWEST, HIGHEST)
    ax.set_ylim(-0.7, len(names) - 0.3)
    ticks = [0.8, 0.9, 1.0, 1.1, 1.2, 1.3]
    labels = [f"{tick - 1:+.0%}" for tick in ticks]
    ax.set_xticks(
        ticks, ["pooled\nteachers" if tick == 1 else label for tick, label in zip(ticks, labels)]
    )
    ax.set_xlabel("log loss on test rows, relative to the pooled teachers", fontsize=10)
    ax.set_title("◄ better than the pooled teachers", loc="left", fontsize=10, color=STRONG)
    ax.set_title("worse ►", loc="right", fontsize=10, color=GRAY)
    ax.tick_params(length=0)
    ax.grid(axis="x", color="0.92", zorder=0)
    ax.set_axisbelow(True)
    ax.spines[:].set_visible(False)
    ax.legend(loc="center right", bbox_to_anchor=(1, 0.49), framealpha=1, edgecolor="0.9")


if __name__ == "__main__":
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    draw(recorded("quality")["runs"]).savefig(PICTURE, dpi=130)
    print(f"wrote {PICTURE}")
