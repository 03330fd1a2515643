"""Write the tables of the JSON files into README.md and docs/.

python benchmarks/make_tables.py           # rewrite
python benchmarks/make_tables.py --check   # fail if a table differs from its JSON
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# <!-- name: script arguments --> … <!-- /name -->
BLOCK = re.compile(r"(<!-- (\w+): (benchmarks/[^\n]*?) -->\n).*?(<!-- /\2 -->)", re.DOTALL)


def main():
    """Replace each block by the output of its command."""
    stale = []
    for document in DOCUMENTS:
        text = document.read_text()
        fresh = BLOCK.sub(lambda found: f"{found[1]}{_printed(found[3])}\n{found[4]}", text)
        if fresh != text:
            stale.append(document.relative_to(ROOT).as_posix())
            if "--check" not in sys.argv:
                document.write_text(fresh)
    if "--check" in sys.argv and stale:
        sys.exit(f"{', '.join(stale)}: a table differs from its JSON. Run this without --check.")


def _printed(command):
    """Return the output of a script."""
    script, *arguments = command.split()
    done = subprocess.run(
        [sys.executable, str(ROOT / script), *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


if __name__ == "__main__":
    main()
