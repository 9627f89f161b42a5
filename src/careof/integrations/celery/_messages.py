"""
What may stand in a message of the broker, and what of it is shown.

Theory of operation: arguments of a task are repeated in the broker, in logs and in
monitoring.  So each is looked at before it is sent: whoever hands over an address in
place of a reference is told, and nothing has left the process.  References are
personal data as well: they stand in the message, and in nothing that describes it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from celery import Task
from kombu.utils.json import register_type

from careof._values.receipt import Receipt
from careof._values.reference import refuse_reference
from careof._values.unwrap import unwrap
from careof.errors import ConfigurationError, InvalidReferenceError

_SHOWN = {"argsrepr": "(***)", "kwargsrepr": "{***}"}


def _looked_at(method: Callable[..., Any]) -> Callable[..., Any]:
    """
    *method* of a task, which only ids get through.
    """

    @functools.wraps(method)
    def looked_at(task: Any, *args: Any, **kwargs: Any) -> Any:
        refused = refusal([*args, *kwargs, *kwargs.values()])
        if refused is not None:
            args, kwargs = (), {}  # somebody's address perhaps
        unwrap(refused)
        return method(task, *args, **kwargs)

    return looked_at


class ByReference(Task):  # type: ignore[misc]  # celery has no types
    """
    A task whose arguments are ids: they stand in its message, and nowhere else.

    All that takes arguments looks at them first.  So what is refused is in no frame
    of Celery's, and in no signature that is carried by the message of another task.
    """

    delay = _looked_at(Task.delay)
    s = _looked_at(Task.s)
    si = _looked_at(Task.si)

    def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        """
        As of any task.

        Raises:
            InvalidReferenceError: Something among the arguments is no id.
        """
        refused = refusal([*(args or ()), *(kwargs or {}), *(kwargs or {}).values()])
        if refused is not None:
            args = kwargs = None
        unwrap(refused)
        return super().apply_async(args, kwargs, **{**options, **_SHOWN})

    def signature(self, args: Any = None, kwargs: Any = None, *more: Any, **options: Any) -> Any:
        """
        As of any task.

        Raises:
            InvalidReferenceError: Something among the arguments is no id.
        """
        refused = refusal([*(args or ()), *(kwargs or {}), *(kwargs or {}).values()])
        if refused is not None:
            args = kwargs = None
        unwrap(refused)
        return super().signature(args, kwargs, *more, **options)

    subtask = signature

    def chunks(self, *args: object, **kwargs: object) -> Any:
        """
        None of these: its message would be one of Celery's own tasks, and they show it.
        """
        del args, kwargs
        raise ConfigurationError(f"{self.name}: expected to be handed over by SurveyTasks.")

    map = starmap = chunks


def refusal(arguments: Iterable[object]) -> InvalidReferenceError | None:
    """
    Why *arguments* may not stand in a message, or None: they are ids, or lists of them.
    """
    for argument in arguments:
        ids = argument if isinstance(argument, list | tuple) else [argument]
        for each in ids:
            # No wave is an empty one.
            refused = None if each == "" else refuse_reference(each)
            if refused is not None:
                return refused
    return None


def teach_json() -> None:
    """
    Let the JSON of Celery carry a receipt as what it is.
    """
    register_type(Receipt, "careof.Receipt", Receipt.to_dict, Receipt.from_dict)
