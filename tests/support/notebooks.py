"""
Notebooks that are run from top to bottom, in a kernel and a process of their own.

The kernel is a real one, with its event loop.  What starts it leaves sockets to
the collector, and warns of them, so that a process of its own is the place for it.

    python tests/support/notebooks.py docs/notebooks/tour.ipynb

runs the tour and stores what it draws, where that has changed.
"""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys
import tempfile

import nbformat

PROGRAM = """
import sys
import nbformat
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(
    notebook, timeout=60, kernel_name="python3", record_timing=False, coalesce_streams=True
).execute()
nbformat.write(notebook, sys.argv[1])
"""

# What is another one each time.
_CHANGING = re.compile(
    r"\d+(?:\.\d+)? (?:ms|s|min)\b"
    r"|[\d,.]+ (?:a second|a minute)"
    r"|started_at=datetime\.datetime\([^)]*\)|duration=[\d.e-]+"
)


def executed(notebook, *, seconds=120):
    """
    A copy of *notebook* with what its cells draw; an error of a cell raises.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "run.ipynb")
        nbformat.write(notebook, path)
        places = "HOME IPYTHONDIR JUPYTER_CONFIG_DIR JUPYTER_DATA_DIR JUPYTER_RUNTIME_DIR".split()
        ran = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(path)],
            cwd=folder,
            env={**os.environ, **dict.fromkeys(places, folder)},
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return nbformat.read(path, as_version=4)


def drawn(notebook):
    """
    What each cell of code of *notebook* draws, without the times.
    """
    return [
        [_without_times(output) for output in cell.outputs]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def _without_times(output):
    texts = output.get("data") or {"text": output.get("text", "")}
    known = {kind: _CHANGING.sub("", text) for kind, text in texts.items()}
    return {"output_type": output.output_type, **known}


def store(path):
    """
    Run the notebook at *path*, and write it anew if more than times has changed.
    """
    before = nbformat.read(path, as_version=4)
    after = executed(before)
    if drawn(after) != drawn(before):
        nbformat.write(after, path)


if __name__ == "__main__":
    store(sys.argv[1])
