"""
Files that appear whole or not at all, and never in the place of another one.

Theory of operation: what is written is a draft in the same folder, which nobody
else may read.  It gets its name by a link: that fails if the name is taken,
even by something that came into being a moment ago.  Several drafts appear in
their order; if one cannot, those before it are taken away again.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Self

from careof._commands.problems import Problem, of_file


class Draft:
    """
    A text file without its name.
    """

    def __init__(self, path: Path, encoding: str) -> None:
        self.path = path
        descriptor, name = tempfile.mkstemp(prefix=".careof-", suffix=".part", dir=path.parent)
        self._temporary = Path(name)
        self._file = os.fdopen(descriptor, "w", encoding=encoding, newline="")

    def write(self, text: str) -> Problem | None:
        """
        Add *text* at the end.
        """
        try:
            self._file.write(text)
        except OSError as error:
            return of_file("write", self.path, error)
        return None

    def finish(self, mode: int) -> None:
        """
        Write all of it to the disk, with the permission bits *mode*, as far as umask leaves them.
        """
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        set_mode(self._temporary, mode)

    def appear(self) -> None:
        """
        Give it its name.

        Raises:
            FileExistsError: There is something of that name.
        """
        try:
            self._link()
        except FileExistsError:
            raise
        except OSError:
            self._replace_a_placeholder()

    def _link(self) -> None:
        self.path.hardlink_to(self._temporary)

    def _replace_a_placeholder(self) -> None:
        # No links here.  A name that was free until now can be taken by one process only.
        self.path.touch(exist_ok=False)
        try:
            self._temporary.replace(self.path)
        except OSError:
            self.path.unlink()
            raise

    def discard(self) -> None:
        """
        Take away what is left of the draft; the file that has appeared stays.
        """
        with contextlib.suppress(OSError):  # what is still in memory may not fit on the disk
            self._file.close()
        self._temporary.unlink(missing_ok=True)


class Drafts:
    """
    A ``with`` block that leaves no draft behind.
    """

    def __init__(self) -> None:
        self._drafts: list[Draft] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for draft in self._drafts:
            with contextlib.suppress(OSError):  # the next one goes in any case
                draft.discard()

    def begin(self, path: Path, encoding: str) -> Draft | Problem:
        """
        A new draft of *path*.
        """
        try:
            draft = Draft(path, encoding)
        except OSError as error:
            return of_file("write", path, error)
        self._drafts.append(draft)
        return draft

    def publish(self, drafts: list[Draft], mode: int) -> Problem | None:
        """
        Let *drafts* appear with the permission bits *mode*: all of them, or none.
        """
        appeared: list[Path] = []
        for draft in drafts:
            problem = _tried(draft, lambda draft: draft.finish(mode))
            if problem is not None:
                return problem
        for draft in drafts:
            problem = _tried(draft, Draft.appear)
            if problem is not None:
                for path in appeared:
                    path.unlink(missing_ok=True)
                return problem
            appeared.append(draft.path)
        return None


def set_mode(path: Path, mode: int) -> None:
    """
    Give *path* the permission bits *mode*, as far as umask leaves them.
    """
    # It can only be read by setting it.
    umask = os.umask(0o077)
    os.umask(umask)
    with contextlib.suppress(OSError):  # not every file system has them
        path.chmod(mode & ~umask)


def _tried(draft: Draft, step: Callable[[Draft], None]) -> Problem | None:
    try:
        step(draft)
    except OSError as error:
        return of_file("write", draft.path, error)
    return None
