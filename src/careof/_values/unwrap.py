"""
The last line of a public method.

Theory of operation: an error is a value until the last line.
``raise new from None`` still keeps the old error on ``__context__``, with its
frames, and in those frames the request, the answer, the address.  So inside
careof nothing is raised on the way: functions *return* an error, the public
method ends in ``return unwrap(outcome)``, and the only frames that an error
has ever passed through are that one and the caller's.
"""

from __future__ import annotations

from typing import TypeVar

from careof.errors import CareofError

T = TypeVar("T")


def unwrap(outcome: T | CareofError) -> T:
    """
    Return the value, or raise the error: the last line of a public method.

    This is the only place where careof raises what happened on the way, so
    that no frame below it is part of the traceback.
    """
    if isinstance(outcome, CareofError):
        try:
            raise forget_the_way(outcome)
        finally:
            del outcome  # or the error and its traceback would hold each other
    return outcome


def forget_the_way(error: CareofError) -> CareofError:
    """
    The same error without the frames and the errors that led to it.
    """
    _cut_off(error)
    return error


class Unseen:
    """
    A ``with`` block whose frames nobody will see.

    Cancellation and Ctrl-C pass through us like any exception, and a traceback
    with locals would print the request and the answer they interrupted.  The
    frames below the block are cut off; the exception itself goes on.
    """

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, frames: object) -> None:
        if error is not None:
            _cut_off(error)


def _cut_off(error: BaseException) -> None:
    for name in ("__traceback__", "__cause__", "__context__"):
        # Past a __setattr__ of its own, as that of a frozen dataclass.
        BaseException.__setattr__(error, name, None)
    if isinstance(error, BaseExceptionGroup):  # as task groups raise, Trio's above all
        for inner in error.exceptions:
            _cut_off(inner)
