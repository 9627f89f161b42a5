"""
Files that appear whole or not at all.
"""

from __future__ import annotations

import errno
import os
import pathlib
import stat

import pytest

from careof._commands.files import Draft, Drafts
from careof._commands.problems import Problem


def begun(drafts, path, text="new"):
    draft = drafts.begin(path, "utf-8")
    draft.write(text)
    return draft


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_until_it_appears_it_is_a_draft_that_nobody_else_may_read(tmp_path):
    with Drafts() as drafts:
        begun(drafts, tmp_path / "out")
        (only,) = tmp_path.iterdir()

        assert only.name.startswith(".careof-")
        assert mode_of(only) == 0o600
    assert list(tmp_path.iterdir()) == []


def test_it_appears_with_its_permission_bits(tmp_path):
    path = tmp_path / "out"
    with Drafts() as drafts:
        problem = drafts.publish([begun(drafts, path)], 0o640)

    assert problem is None
    assert (path.read_text(), mode_of(path)) == ("new", 0o640)
    assert list(tmp_path.iterdir()) == [path]


def test_all_of_it_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    """
    Or a power cut could leave an empty file that looks complete.
    """
    path = tmp_path / "out"
    synced = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append((os.fstat(file), path.exists())))
    with Drafts() as drafts:
        drafts.publish([begun(drafts, path)], 0o600)

    [(status, was_there)] = synced
    assert (status.st_ino, status.st_size, was_there) == (path.stat().st_ino, len("new"), False)


@pytest.mark.parametrize("kind", ["file", "link to nothing", "folder"])
def test_what_came_into_being_meanwhile_is_not_touched(tmp_path, kind):
    path = tmp_path / "out"
    with Drafts() as drafts:
        draft = begun(drafts, path)
        if kind == "file":
            path.write_text("old")
        elif kind == "folder":
            path.mkdir()
        else:
            path.symlink_to(tmp_path / "nothing")
        before = path.lstat()
        problem = drafts.publish([draft], 0o600)

    assert problem == Problem(
        f"cannot write {path}: it exists, and nothing is overwritten: move it, or choose another "
        "name."
    )
    assert path.lstat() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("taken", [0, 1])
def test_both_appear_or_neither(tmp_path, taken):
    paths = [tmp_path / "side", tmp_path / "out"]
    with Drafts() as drafts:
        both = [begun(drafts, path) for path in paths]
        paths[taken].write_text("old")
        problem = drafts.publish(both, 0o600)

    assert problem is not None
    assert list(tmp_path.iterdir()) == [paths[taken]]
    assert paths[taken].read_text() == "old"


class Unlinked(Draft):
    """
    A draft on a file system without links.
    """

    def _link(self):
        raise OSError(errno.EPERM, "no links here")


class Stuck(Unlinked):
    """
    A draft that cannot be moved either.
    """

    def __init__(self, path, encoding):
        super().__init__(path, encoding)
        self._temporary.unlink()


def test_without_links_it_appears_all_the_same(tmp_path):
    draft = Unlinked(tmp_path / "out", "utf-8")
    draft.write("new")
    draft.finish(0o600)
    draft.appear()
    draft.discard()

    assert (tmp_path / "out").read_text() == "new"
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_without_links_nothing_is_overwritten_either(tmp_path):
    (tmp_path / "out").write_text("old")
    draft = Unlinked(tmp_path / "out", "utf-8")

    with pytest.raises(FileExistsError):
        draft.appear()
    draft.discard()

    assert (tmp_path / "out").read_text() == "old"
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_without_links_a_failure_leaves_no_empty_file(tmp_path):
    draft = Stuck(tmp_path / "out", "utf-8")

    with pytest.raises(FileNotFoundError):
        draft.appear()
    draft.discard()

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_a_problem(tmp_path):
    path = tmp_path / "none" / "out"
    with Drafts() as drafts:
        problem = drafts.begin(path, "utf-8")

    assert problem == Problem(f"cannot write {path}: there is no such file or folder.")


@pytest.mark.skipif(not pathlib.Path("/dev/full").exists(), reason="there is no full disk here")
@pytest.mark.parametrize("size", [10, 1_000_000], ids=["at the end", "on the way"])
def test_a_full_disk_is_a_problem_and_leaves_nothing(tmp_path, size):
    path = tmp_path / "out"
    with Drafts() as drafts:
        draft = drafts.begin(path, "utf-8")
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, draft._file.fileno())
        os.close(full)
        problem = draft.write("x" * size) or drafts.publish([draft], 0o600)

    assert problem == Problem(f"cannot write {path}: No space left on device.")
    assert list(tmp_path.iterdir()) == []
