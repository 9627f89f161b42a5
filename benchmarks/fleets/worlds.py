"""
The worlds in which a fleet is looked at, and what is seen of it there.
"""

from __future__ import annotations

import contextlib
import math
import random
import statistics
from collections.abc import Iterator
from typing import Any
from unittest import mock

import anyio
import attrs
from fleets.endpoint import Endpoint, Mood
from fleets.simulation import Simulation, sleep
from fleets.workers import Fleet, Plan

from careof._network import circuit

BEFORE = 120.0  # seconds in which all is well
AFTER = 600.0  # seconds for which surveys still arrive
LATE = 5.0  # seconds: a survey that takes longer was delayed
STEP = 10  # seconds in which a rate is looked at


@attrs.frozen(kw_only=True)
class Scene:
    """
    A fleet, its endpoint, and what has to be sent.

    Attributes:
        arrivals: Surveys that arrive in a second.
        minutes: For how long the endpoint is away, or unwell.
        constants: Of ``careof._network.circuit``, those that are others.
    """

    plan: Plan = attrs.field(factory=Plan)
    mood: Mood = attrs.field(factory=Mood)
    arrivals: float = 50.0
    minutes: float = 10.0
    constants: dict[str, float] = attrs.field(factory=dict)

    def changed(self, **changes: Any) -> Scene:
        """
        The same with a few things changed, by the names that they have where they are.
        """
        mine = {name: changes.pop(name) for name in ("minutes", "arrivals") if name in changes}
        constants = {name: changes.pop(name) for name in list(changes) if name.isupper()}
        mood = {name: changes.pop(name) for name in list(changes) if hasattr(self.mood, name)}
        return attrs.evolve(
            self,
            plan=attrs.evolve(self.plan, **changes),
            mood=attrs.evolve(self.mood, **mood),
            constants=self.constants | constants,
            **mine,
        )


@contextlib.contextmanager
def simulated(scene: Scene, seed: int) -> Iterator[tuple[Simulation, Endpoint, Fleet]]:
    """
    A fleet whose sleeps are those of the simulation, and whose chances are *seed*.
    """
    random.seed(seed)
    simulation = Simulation()
    endpoint = Endpoint(simulation, scene.mood, scene.plan.limits)
    with (
        mock.patch.object(anyio, "sleep", sleep),
        contextlib.ExitStack() as constants,
    ):
        for name, value in scene.constants.items():
            constants.enter_context(mock.patch.object(circuit, name, value))
        yield simulation, endpoint, Fleet(simulation, endpoint, scene.plan)


@attrs.frozen(kw_only=True)
class Course:
    """
    What was seen of an endpoint that was away.

    Attributes:
        dark: Requests while it was away.
        peak: The most of them in one second.
        held: Seconds of workers that it cost while it was away.
        busy: Workers that it had at most.
        herd: The most requests in one second after its return.
        wasted: Requests after its return that brought nothing.
        back: Seconds after its return until surveys go out as fast as they arrive, and
            no request is wasted any more.
        late: Surveys that were delayed.
        median: Seconds, by more than which half of those were.
        longest: Seconds that the last of them took.
        left: Surveys that the queue gave up, for the next run.
        lost: Surveys that neither went out nor are left to the next run.
        asked: Requests of each second.
    """

    dark: float
    peak: float
    held: float
    busy: float
    herd: float
    wasted: float
    back: float
    late: float
    median: float
    longest: float
    left: float
    lost: float
    asked: tuple[int, ...]


def outage(scene: Scene, seed: int) -> Course:
    """
    Surveys arrive all the time, and for some minutes the endpoint is away.
    """
    gone, returned = BEFORE, BEFORE + 60.0 * scene.minutes
    end = returned + AFTER
    scene = scene.changed(dark=(gone, returned))
    busy: list[int] = []
    with simulated(scene, seed) as (simulation, endpoint, fleet):

        def arrive(_: object) -> None:
            fleet.hand_in("visits")
            if simulation.monotonic() < end:
                simulation.call(random.expovariate(scene.arrivals), arrive, None)

        def look(_: object) -> None:
            busy.append(fleet.busy)
            if simulation.monotonic() < end:
                simulation.call(1.0, look, None)

        simulation.call(0.0, arrive, None)
        simulation.call(0.5, look, None)
        simulation.run(gone)
        before = fleet.held
        simulation.run(returned)
        held = fleet.held - before
        simulation.run(math.inf)  # until everybody has had his
    while_dark = [endpoint.asked[second] for second in range(int(gone), int(returned))]
    after = range(int(returned), int(end))
    late = sorted(delay for delay in fleet.delays if delay > LATE)
    return Course(
        dark=sum(while_dark),
        peak=max(while_dark),
        held=held,
        busy=max(busy),
        herd=max(endpoint.asked[second] for second in after),
        wasted=sum(endpoint.wasted[second] for second in after if second > returned + 3),
        back=next((n - returned for n in after if _is_well(n, scene, endpoint, fleet)), math.inf),
        late=len(late),
        median=statistics.median(late) if late else 0.0,
        longest=late[-1] if late else 0.0,
        left=fleet.left,
        lost=fleet.born - len(fleet.delays) - fleet.left,
        asked=tuple(endpoint.asked[second] for second in range(int(end))),
    )


def _is_well(begin: int, scene: Scene, endpoint: Endpoint, fleet: Fleet) -> bool:
    sent = sum(fleet.sent[second] for second in range(begin, begin + STEP))
    is_wasted = any(second >= begin for second in endpoint.wasted)
    return not is_wasted and sent >= 0.9 * scene.arrivals * STEP


@attrs.frozen(kw_only=True)
class Squeeze:
    """
    What was seen of an endpoint that allows so much a second, and of two surveys.

    Attributes:
        goodput: Surveys sent in a second, until the last one was.
        wasted: Requests that brought nothing, for each survey.
        held: Seconds of workers for each survey.
        small: Seconds from handing in the small survey to the last of it.
        large: The same of the large one.
    """

    goodput: float
    wasted: float
    held: float
    small: float
    large: float
    lost: float


def squeeze(scene: Scene, seed: int, *, large: int = 5_000, small: int = 100) -> Squeeze:
    """
    A large survey is handed in, and half a minute later a small one.
    """
    begun = 30.0
    with simulated(scene, seed) as (simulation, endpoint, fleet):
        for survey, count, after in (("large", large, 0.0), ("small", small, begun)):
            for _ in range(count):
                simulation.call(after, fleet.hand_in, survey)
        simulation.run(math.inf)
    sent = len(fleet.delays)
    return Squeeze(
        goodput=sent / max(fleet.last.values()),
        wasted=endpoint.wasted.total() / sent,
        held=fleet.held / sent,
        small=fleet.last["small"] - begun,
        large=fleet.last["large"],
        lost=fleet.born - sent - fleet.left,
    )


@attrs.frozen(kw_only=True)
class Haze:
    """
    What was seen of an endpoint that is unwell.

    Attributes:
        asked: Requests for each survey.
        late: Surveys that were delayed, as a share.
        slowest: Seconds that all but one in a hundred took at most.
        held: Workers that it had, on average.
        refused: Lookups that a circuit refused, for each survey.
    """

    asked: float
    late: float
    slowest: float
    held: float
    refused: float
    lost: float


def haze(scene: Scene, seed: int) -> Haze:
    """
    Surveys arrive all the time, and the endpoint answers only some of them.
    """
    end = 60.0 * scene.minutes
    with simulated(scene, seed) as (simulation, endpoint, fleet):

        def arrive(_: object) -> None:
            fleet.hand_in("visits")
            if simulation.monotonic() < end:
                simulation.call(random.expovariate(scene.arrivals), arrive, None)

        simulation.call(0.0, arrive, None)
        simulation.run(math.inf)
    delays = sorted(fleet.delays)
    return Haze(
        asked=endpoint.asked.total() / fleet.born,
        late=sum(delay > LATE for delay in delays) / fleet.born,
        slowest=delays[len(delays) * 99 // 100],
        held=fleet.held / end,
        refused=fleet.refused / fleet.born,
        lost=fleet.born - len(delays) - fleet.left,
    )
