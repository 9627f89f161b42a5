"""
One resolver in threads, forks, new processes and event loops: what the documentation says of it.
"""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "examples" / "processes"
PAGE = ROOT / "docs" / "how-to" / "processes.md"


def settled(text):
    """
    *text* without what depends on which of two new processes was there first.
    """
    return re.sub(r"(in_new_processes.*), [12] token", r"\1, some token", text)


def test_each_way_asks_about_the_right_people_and_for_one_token():
    """
    In a process of its own, which forks while it has threads, of which newer Pythons warn.
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "ways.py"],
        cwd=FOLDER,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    block = re.search(r"```text\n(after_a_fork.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[1]

    assert done.returncode == 0, done.stderr[-5000:]
    assert settled(done.stdout) == settled(block)
