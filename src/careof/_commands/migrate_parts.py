"""
Files that grow over several runs, and appear together or not at all.

Theory of operation: what is written is a draft beside its place, which nobody
else may read, and which ends in ``.part``.  It can be cut back to a length that
was noted, and goes on from there.  It gets its name by a link, which overwrites
nothing; as the draft stays until all of them have theirs, whoever comes later
sees by it how far that was.
"""

from __future__ import annotations

import contextlib
import csv
import os
from pathlib import Path
from typing import TextIO

from careof._commands.files import set_mode
from careof._commands.tables import Form


class Part:
    """
    One of the files.

    Args:
        mode: Its permission bits, as far as umask leaves them.
        is_ours: Whether a draft that is there is of an earlier run of ours.
    """

    def __init__(
        self, path: Path, header: list[str], form: Form, *, mode: int, is_ours: bool
    ) -> None:
        self.path = path
        self.draft = Path(f"{path}.part")
        self._header = header
        self._form = form
        self._mode = mode
        self._is_ours = is_ours
        self._was_moved = False
        self._file: TextIO | None = None

    def begin(self, length: int) -> TextIO:
        """
        Go on after *length* bytes of the draft, or begin it.
        """
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        if not self._is_ours:
            flags |= os.O_EXCL
        descriptor = os.open(self.draft, flags, 0o600)
        self._is_ours = True
        self._file = file = os.fdopen(descriptor, "w", encoding=self._form.encoding, newline="")
        if os.fstat(descriptor).st_size < length:
            raise OSError(0, "it is shorter than it was when the run before was interrupted")
        os.truncate(descriptor, length)
        file.seek(0, os.SEEK_END)  # the mark of an encoding is at the beginning only
        if not length:
            file.write(self._form.mark + self._form.text([self._header]))
        return file

    def add(self, rows: list[list[str]]) -> None:
        """
        Add *rows* at the end.
        """
        if rows:
            file = self._file or self.begin(0)
            file.write(self._form.text(rows))

    def length(self) -> int:
        """
        How many bytes it has, all of which are on the disk then.
        """
        if self._file is None:
            return 0
        self._file.flush()
        os.fsync(self._file.fileno())
        return os.fstat(self._file.fileno()).st_size

    def count(self) -> int:
        """
        How many rows the draft has below its header, as somebody else reads it.
        """
        if self._file is None:
            return 0
        self._file.flush()
        with self.draft.open(encoding=self._form.encoding, newline="") as file:
            rows = csv.reader(file, delimiter=self._form.delimiter, strict=True)
            return sum(1 for row in rows if row) - 1

    def finish(self) -> None:
        """
        Close it, with its permission bits.
        """
        if self._file is not None:
            self.length()  # which brings it to the disk: there may have been no row
            self._file.close()
            set_mode(self.draft, self._mode)

    def appear(self) -> bool:
        """
        Give it its name; whether it has that now and had not before.

        Raises:
            FileExistsError: There is something else of that name.
        """
        if not self.draft.exists() or self._has_appeared():
            return False
        try:
            self.path.hardlink_to(self.draft)
        except FileExistsError:
            raise
        except OSError:
            # No links here.  An empty file that keeps the name free would stay after a kill.
            if os.path.lexists(self.path):
                raise FileExistsError from None
            self.draft.replace(self.path)
            self._was_moved = True
        self._sync_folder()
        return True

    def _has_appeared(self) -> bool:
        return os.path.lexists(self.path) and self.path.samefile(self.draft)

    def _sync_folder(self) -> None:
        with contextlib.suppress(OSError):  # not every system has folders that can be opened
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def disappear(self) -> None:
        """
        Take the name away again, if it is the draft that has it.
        """
        with contextlib.suppress(OSError):
            if self._was_moved or (self._is_ours and self._has_appeared()):
                self.path.unlink()

    def discard(self) -> None:
        """
        Take the draft away; a file that has appeared stays.
        """
        if self._file is not None:
            with contextlib.suppress(OSError):  # what is still in memory may not fit on the disk
                self._file.close()
        if self._is_ours:
            with contextlib.suppress(OSError):
                self.draft.unlink()
