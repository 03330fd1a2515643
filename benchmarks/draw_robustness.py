"""Draw what corrupted rows cost student and teachers, from results/robustness.json.

python benchmarks/draw_robustness.py    # writes docs/images/robustness.png
"""

from statistics import geometric_mean

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
from bench_robustness import BEST, CLEAN, LABELS, POOL, STUDENT, keys_of, ratio
from common import HERE, by_data, recorded

PICTURE = HERE.parent / "docs" / "images" / "robustness.png"
GRAY, STRONG, PALE, INK = "#8a8f98", "#0b6bcb", "#e07b39", "#222222"
STYLES = {
    STUDENT: {"color": STRONG, "marker": "o", "linewidth": 2.2, "zorder": 4},
    POOL: {"color": INK, "marker": "s", "linewidth": 1.6, "zorder": 3},
    BEST: {"color": GRAY, "marker": "D", "linewidth": 1.4, "zorder": 2},
    LABELS: {"color": PALE, "marker": "^", "linewidth": 1.4, "zorder": 2},
}
AXES = {
    "noise": "noise on numbers, standard deviations",
    "missing": "missing cells, share",
    "swap": "swapped categories, share",
    "shift": "shift of one column, standard deviations",
    "tail": "lower part of a column left out, share",
}


def draw(runs):
    """Draw one panel for each corruption: means over the sets that have columns for it."""
    fig, axes = plt.subplots(2, 3, figsize=(10.5, 6.2), layout="constrained")
    for ax, (corruption, label) in zip(axes.flat, AXES.items()):
        keys = [CLEAN, *(key for key in keys_of(runs) if key.startswith(f"{corruption} "))]
        groups = [g for g in by_data(runs).values() if ratio(g, STUDENT, keys[-1], CLEAN)]
        strengths = [float(key.split()[1]) for key in keys]
        for model, style in STYLES.items():
            means = [geometric_mean([ratio(g, model, key, CLEAN) for g in groups]) for key in keys]
            ax.plot(strengths, means, markersize=4.5, label=model, **style)
        ax.set_title(f"{corruption}, {len(groups)} sets", loc="left", fontsize=11)
        ax.set_xlabel(label, fontsize=9.5)
        ax.grid(alpha=0.25)
        ax.spines[["top", "right"]].set_visible(False)
    for ax in axes[:, 0]:
        ax.set_ylabel("log loss, relative to the pool\non rows as given", fontsize=9.5)
    last = axes.flat[-1]
    last.set_axis_off()
    last.legend(*axes.flat[0].get_legend_handles_labels(), loc="center", frameon=False, fontsize=11)
    return fig


if __name__ == "__main__":
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    draw(recorded("robustness")["runs"]).savefig(PICTURE, dpi=110)
    print(f"wrote {PICTURE}")
