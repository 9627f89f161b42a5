"""
The host's line to world.py: starts it, asks it, ends it.
"""

from __future__ import annotations

import contextlib
import json
import pathlib
import subprocess
import sys
import threading
from types import TracebackType
from typing import Any, Self

PATIENCE = 18.0  # seconds, after which nobody waits for the world any more


class World:
    """
    The other parties, running inside the ``with`` block and not after it.

    However the block is left, Ctrl-C included, the process is ended by its id.
    Should this process be killed, the closing of its pipe ends the world.
    """

    def __init__(self) -> None:
        script = pathlib.Path(__file__).resolve().with_name("world.py")
        self._process = subprocess.Popen(  # noqa: S603 (a program of our own)
            [sys.executable, str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C is for us; we end the world ourselves
        )
        self._limit = threading.Timer(PATIENCE, self._process.kill)
        self._limit.daemon = True
        self._limit.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        frames: TracebackType | None,
    ) -> None:
        self._limit.cancel()
        try:
            self._process.communicate(timeout=2)  # closes its stdin, and waits
        except (subprocess.TimeoutExpired, OSError):
            self._process.kill()
            self._process.communicate()

    def ready(self) -> dict[str, Any]:
        """
        Where the doors are, once they are open.
        """
        return self._line()

    def ask(self, question: str) -> dict[str, Any]:
        """
        The answer to *question*: ``token requests``, or ``report`` for the rest.
        """
        with contextlib.suppress(BrokenPipeError):  # reading says it better
            self._process.stdin.write(question + "\n")
            self._process.stdin.flush()
        return self._line()

    def _line(self) -> dict[str, Any]:
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("demo: world.py ended before its time.")
        return json.loads(line)
