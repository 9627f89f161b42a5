"""
What happens in a child after ``fork()``.
"""

from __future__ import annotations

import os
import select
import signal
import warnings

PATIENCE = 10.0


def in_a_child(work, patience=PATIENCE):
    """
    Run *work* in a forked child; its result as text, or what is wrong.
    """
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Newer Pythons warn of exactly what is tested here.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            result = str(work())
        except BaseException as error:
            result = repr(error)
        os.write(writing, result.encode())
        os._exit(0)
    os.close(writing)
    ready, _, _ = select.select([reading], [], [], patience)
    if not ready:
        os.kill(child, signal.SIGKILL)
    result = os.read(reading, 4096).decode() if ready else "it hangs"
    os.close(reading)
    os.waitpid(child, 0)
    return result
