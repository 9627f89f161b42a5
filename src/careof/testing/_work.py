"""
The host's own code: done to its end, whatever it is, and what came of it.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

from careof._values.receipt import Receipt
from careof.testing._canary_ends import Canaries


def finished(
    work: Callable[[Canaries], object], canaries: Canaries, backend: str
) -> tuple[object, Exception | None]:
    """
    What *work* returns when all of it is done, or what it raises.
    """
    try:
        result = work(canaries)
        if inspect.isawaitable(result) or isinstance(result, AsyncIterator):
            result = _waited_for(result, backend)
        return (list(result) if isinstance(result, Iterator) else result), None
    except Exception as error:
        return None, error


def _waited_for(result: Any, backend: str) -> object:
    # Late, so that importing careof.testing imports no anyio.
    import anyio

    async def main() -> object:
        found = await result if inspect.isawaitable(result) else result
        return [each async for each in found] if isinstance(found, AsyncIterator) else found

    return anyio.run(main, backend=backend)


def outcomes_of(result: object) -> list[str]:
    """
    The words of the receipts in *result*, each once.
    """
    results = result if isinstance(result, Sequence) else [result]
    receipts = [it for it in results if isinstance(it, Receipt)]
    words = (f"{it.outcome} ({it.detail})" if it.detail else f"{it.outcome}" for it in receipts)
    return list(dict.fromkeys(words))


def let_go(error: BaseException | None) -> None:
    """
    Let go of what the frames of *error* and of its causes hold.
    """
    if error is None or error.__traceback__ is None:
        return
    error.with_traceback(None)
    for before in (error.__cause__, error.__context__, *getattr(error, "exceptions", ())):
        let_go(before)
