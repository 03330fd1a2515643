"""Write the tables of the JSON files into README.md, so that no number is typed by hand.

python benchmarks/readme_tables.py           # rewrite
python benchmarks/readme_tables.py --check   # fail if the README says anything else
"""

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
README = HERE.parent / "README.md"
# <!-- name: script arguments --> … <!-- /name -->
BLOCK = re.compile(r"(<!-- (\w+): (benchmarks/[^\n]*?) -->\n).*?(<!-- /\2 -->)", re.DOTALL)


def main():
    """Run the command of each block and put its output between the block's marks."""
    text = README.read_text()
    fresh = BLOCK.sub(lambda found: f"{found[1]}{_printed(found[3])}\n{found[4]}", text)
    if "--check" in sys.argv:
        sys.exit(0 if fresh == text else "README.md: a table is not what its JSON says.")
    README.write_text(fresh)


def _printed(command):
    script, *arguments = command.split()
    done = subprocess.run(
        [sys.executable, str(HERE.parent / script), *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


if __name__ == "__main__":
    main()
