"""
Where the microseconds of one lookup go: its stages, timed where they happen.

A stage that is called alone, again and again, takes half of what it takes in a
lookup: its code and its data then stay in the caches of the processor.  So the
stages are timed inside whole lookups, many at once.  Each has its own time,
without that of the stages inside it, in CPU of this thread: that somebody else
has the core for a while does not count.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import statistics
import types
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from time import thread_time_ns
from typing import Any

import attrs
from lookups import clients
from lookups.load import Place, Stretch, in_asyncio
from lookups.server import Served

SIZE = 64  # at once
STRETCH = Stretch(seconds=0.5, patience=5.0)
ROUNDS = 5


@attrs.frozen
class Stage:
    """
    A stage: its name, and the functions in which it happens, as module:name.
    """

    name: str
    functions: tuple[str, ...]


RESOLVE = "careof._resolving.resolver:AsyncHttpResolver.resolve"
STAGES = (
    Stage("tasks, retries, the call", (RESOLVE,)),
    Stage("fill the template", ("careof._resolving.template:RequestTemplate._fill",)),
    Stage("build the httpx.Request", ("httpx:Request.__init__",)),
    Stage("drive the strategy", ("careof._network.network:AsyncNetwork.converse",)),
    Stage(
        "lease the token",
        (
            "careof.auth._lease:Lease.__init__",
            "careof.auth._lease:Lease.at_hand",
            "careof.auth:TokenAuth.apply_token",
        ),
    ),
    Stage("drive the connection", ("careof._network.transport:AsyncGuardedTransport.ask",)),
    Stage(
        "take and keep the connection",
        ("careof._network.call:Call.take", "careof._network.call:Call.confirm"),
    ),
    Stage("write the request", ("careof._network.exchange:Exchange.__init__",)),
    Stage("read the response", ("careof._network.exchange:Exchange.feed",)),
    Stage("build the httpx.Response", ("httpx:Response.__init__",)),
    Stage("send", ("careof._network.connection:Connection.send",)),
    Stage("wait and receive", ("careof._network.connection:Connection.receive",)),
    Stage("judge the answer", ("careof._resolving.lookup:Lookup.contact",)),
    Stage("read strict JSON", ("careof._resolving.lookup:read_json",)),
    Stage("select", ("careof._resolving.selector:ContactSelector._select",)),
    Stage("validate the address", ("careof._resolving.selector:read_email_address",)),
)


class Meter:
    """
    The own time of each function, in nanoseconds, one number for each call.
    """

    def __init__(self) -> None:
        self.spent: defaultdict[str, list[int]] = defaultdict(list)
        self.clocks: defaultdict[str, int] = defaultdict(int)
        # What those inside took, and their clocks, for each that is open.
        self._inner = [(0, 0)]

    def function(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """
        The *function*, timed.
        """

        @functools.wraps(function)
        def timed(*args: Any, **options: Any) -> Any:
            begun = self._enter()
            try:
                return function(*args, **options)
            finally:
                self.spent[name].append(self._leave(name, begun))

        return timed

    def steps(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """
        The generator or coroutine *function*, timed while it is not suspended.
        """

        @functools.wraps(function)
        def timed(*args: Any, **options: Any) -> Generator[Any, Any, Any]:
            steps, came, own = function(*args, **options), None, 0
            while True:
                begun = self._enter()
                try:
                    wait = steps.send(came)
                except StopIteration as end:
                    return end.value
                finally:
                    own += self._leave(name, begun)
                    if not _is_suspended(steps):
                        self.spent[name].append(own)
                came = yield wait

        return timed

    def costs(self, clocks: float) -> dict[str, float]:
        """
        Microseconds of each stage in a lookup.

        Args:
            clocks: What all clocks of a lookup take, which is left out.
        """
        lookups = len(self.spent[RESOLVE])
        clock = clocks * 1000 * lookups / sum(self.clocks.values())
        costs = {}
        for stage in STAGES:
            nanoseconds = sum(
                statistics.median(self.spent[name]) * len(self.spent[name])
                - self.clocks[name] * clock
                for name in stage.functions
                if name in self.spent
            )
            costs[stage.name] = max(0.0, nanoseconds / lookups / 1000)
        return costs

    def _enter(self) -> int:
        self._inner.append((0, 0))
        return thread_time_ns()

    def _leave(self, name: str, begun: int) -> int:
        took = thread_time_ns() - begun
        inner, clocks = self._inner.pop()
        before, others = self._inner[-1]
        self._inner[-1] = (before + took, others + 1)
        # A clock is read partly inside and partly outside of what it times.
        self.clocks[name] += 1 + clocks
        return took - inner


def _is_suspended(steps: Any) -> bool:
    frame = steps.gi_frame if isinstance(steps, types.GeneratorType) else steps.cr_frame
    return frame is not None


@contextlib.contextmanager
def timed(meter: Meter) -> Iterator[None]:
    """
    A block in which all stages are timed.
    """
    with contextlib.ExitStack() as undo:
        for stage in STAGES:
            for place in stage.functions:
                owner, name = found(place)
                plain = vars(owner)[name]
                function = _wrapped(meter, place, plain)
                undo.callback(setattr, owner, name, plain)
                setattr(owner, name, function)
        yield


def found(place: str) -> tuple[Any, str]:
    """
    Where the function at *place* is kept, and its name there.
    """
    module, _, path = place.partition(":")
    *owners, name = path.split(".")
    return functools.reduce(getattr, owners, importlib.import_module(module)), name


def _wrapped(meter: Meter, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    flags = function.__code__.co_flags  # type: ignore[attr-defined]  # all are Python's
    if flags & inspect.CO_COROUTINE:
        return types.coroutine(meter.steps(name, function))
    if flags & inspect.CO_GENERATOR:
        return meter.steps(name, function)
    return meter.function(name, function)


def show(served: Served) -> None:
    """
    Measure, and print.
    """
    place = Place(served=served, url=served.http, stretch=STRETCH)

    def crowd(client: clients.AsyncClient) -> float:
        return min(in_asyncio("asyncio", client, SIZE, place).cpu for _ in range(ROUNDS))

    whole = crowd(clients.careof_async)
    meter = Meter()
    with timed(meter):
        clocks = crowd(clients.careof_async) - whole
    costs = meter.costs(clocks)
    costs["the event loop, and what is left"] = whole - sum(costs.values())
    print(f"\n## Where {whole:.0f} µs of CPU go, {SIZE} lookups at once\n")
    width = max(map(len, costs))
    print(f"| {'stage'.ljust(width)} |   µs | share |\n| {'-' * width} | ---: | ----: |")
    for name, microseconds in [*costs.items(), ("together", whole)]:
        print(f"| {name.ljust(width)} | {microseconds:4.0f} | {microseconds / whole:5.0%} |")
    print(f"\nAll of a bare exchange by asyncio's streams is {crowd(clients.raw_async):.0f} µs.")
