"""
Memory, flight, history and a shared cache against a model, in whatever order things happen.
"""

from __future__ import annotations

import threading
import time

import httpx
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from careof import Secret
from careof._network.call import call_of
from careof.auth import AccessToken, MemoryTokenCache, TokenAuth, _claim
from careof.auth._history import LASTING_PAUSES, PASSING_PAUSES, history_of
from careof.auth._lease import Lease
from careof.testing import FakeClock
from tests.support.crowds import landed
from tests.support.stores import SharedCache
from tests.support.tokens import TOKEN_URL, request_in

TENANTS = ("kim", "lee")
LEEWAY = 30.0
tenants = st.sampled_from(TENANTS)
crowds = st.integers(1, 3)


class Issued:
    """
    A token as its endpoint knows it.
    """

    def __init__(self, number, owner, clock, lifetime):
        self.number = number
        self.owner = owner
        self.lifetime = lifetime
        self.wall = clock.time()
        self.monotonic = clock.monotonic()
        self.is_revoked = False

    @property
    def value(self):
        return f"token-{self.number}"

    def is_of(self, tenant):
        return self.owner.startswith(tenant)

    def left(self, clock):
        """
        How much of its life is left, by the clock that says less.
        """
        passed = max(clock.time() - self.wall, clock.monotonic() - self.monotonic)
        return self.lifetime - passed


class Customers(httpx.BaseTransport):
    """
    The token endpoint and the contact endpoint of all tenants, which keep the model.

    Attributes:
        problems: Every promise that was broken, in words.
    """

    def __init__(self, clock):
        self.clock = clock
        self.answer = None
        self.lifetime = 100.0
        self.problems = []
        self.tokens = {}
        self.asked = []  # who, in the order of the token requests
        self.open = threading.Event()
        self.open.set()
        self.held = 0
        self._lock = threading.Lock()
        self._flying = {}
        self._failed = {}

    def handle_request(self, request):
        owner = request.headers["X-Owner"]
        with self._lock:
            self.asked.append(owner)
            self._flying[owner] = self._flying.get(owner, 0) + 1
            self.claim(self._flying[owner] == 1, f"two fetches in flight for {owner}")
            failures, until = self._failed.get(owner, (0, 0.0))
            self.claim(self.clock.monotonic() >= until, f"no pause for {owner}")
            issued = Issued(len(self.asked), owner, self.clock, self.lifetime)
            self.held += 1
        assert self.open.wait(10)
        with self._lock:
            self.held -= 1
            self._flying[owner] -= 1
            if self.answer is not None:
                first, longest = LASTING_PAUSES if self.answer == 401 else PASSING_PAUSES
                pause = min(first * 2**failures, longest)
                self._failed[owner] = (failures + 1, self.clock.monotonic() + pause)
                return httpx.Response(self.answer, json={"error": "invalid_client"})
            self._failed.pop(owner, None)
            self.tokens[issued.value] = issued
        return httpx.Response(200, json={"token": issued.value, "lifetime": issued.lifetime})

    def issued_elsewhere(self, owner, age):
        """
        A token that another process fetched *age* seconds ago.
        """
        with self._lock:
            issued = Issued(f"elsewhere-{len(self.tokens)}", owner, self.clock, 100.0)
            issued.wall -= age
            issued.monotonic -= age
            self.tokens[issued.value] = issued
            return AccessToken(issued.value, issued.wall + 100.0, lifetime=100.0)

    def contact(self, token, call, lease, owners):
        """
        The answer to one lookup, whose strategy was any of *owners* meanwhile.
        """
        issued = self.tokens[token.value.reveal()]
        remark = [step.remark for step in call.steps if step.name == "token"][-1]
        with self._lock:
            self.claim(issued.owner in owners, f"{issued.owner} is used for {owners}")
            if remark == "from the cache":
                self.claim(issued.left(self.clock) > 0, f"{issued.value} is used after its end")
                self.claim(self._is_refreshed(issued, lease), f"no refresh of {issued.value}")
        return httpx.Response(401 if issued.is_revoked else 200)

    def _is_refreshed(self, token, lease):
        if token.left(self.clock) > min(LEEWAY, token.lifetime / 5):
            return True
        if _claim._FLIGHTS.under_way(lease._place) is not None:
            return True
        found = lease._memory.get(lease._key)
        if found is None or found.value.reveal() != token.value:
            return True  # its successor has landed, or its key is another one now
        history = history_of(lease._place)
        return history is not None and history.leaves_alone(self.clock)

    def claim(self, condition, problem):
        if not condition:
            self.problems.append(problem)


def number_of_flights():
    return sum(thread.name == "careof-tokens" for thread in threading.enumerate())


class Moment:
    """
    The moment between a look at the memory and the fetch: another flight may land in it.
    """

    def block(self):
        return True


class OwnerAuth(TokenAuth):
    """
    A strategy whose token request names its owner: the tenant, the secret, the epoch.
    """

    def __init__(self, tenant, secret, machine, cache):
        super().__init__(leeway=LEEWAY, cache=cache, clock=machine.clock)
        self.tenant = tenant
        self.secret = secret
        type(self).machine = machine  # not its own, or it would be part of the key

    def token_request(self):
        owner = self.machine.owner(self.tenant)
        return httpx.Request("POST", TOKEN_URL, headers={"X-Owner": owner})

    def read_token(self, response):
        body = response.json()
        return AccessToken(body["token"], lifetime=body["lifetime"])


class TokenMachine(RuleBasedStateMachine):
    """
    Two tenants, of which one shares its tokens with another process.
    """

    @initialize()
    def begin(self):
        self.clock = FakeClock()
        self.customers = Customers(self.clock)
        self.secrets = dict.fromkeys(TENANTS, 1)
        self.epochs = dict.fromkeys(TENANTS, 1)
        self.memory = MemoryTokenCache()
        self.shared = SharedCache()
        self.waiting = []
        self.kept = {}
        self.is_together = False
        self.number = 0

    def owner(self, tenant):
        return f"{tenant} {self.secrets[tenant]} {self.epochs[tenant]}"

    def strategy(self, tenant):
        if tenant in self.kept:
            return self.kept[tenant]
        secret = Secret.from_callable(lambda: f"secret {self.secrets[tenant]}")
        cache = self.memory if tenant == "kim" else self.shared
        strategy = OwnerAuth(tenant, secret, self, cache)
        if tenant == "kim":  # the other is built anew each time, as from a row of a database
            self.kept[tenant] = strategy
        return strategy

    def lease(self, tenant):
        return Lease(self.strategy(tenant), request_in(self.customers, clock=self.clock))

    def look_up(self, tenant):
        """
        The steps of one lookup, as the flow of a strategy takes them.
        """
        owners = {self.owner(tenant)}
        request = request_in(self.customers, clock=self.clock)
        lease = Lease(self.strategy(tenant), request)
        token = lease.at_hand()
        if token is None:
            yield Moment()
            token = yield from lease.fetched()
        while isinstance(token, AccessToken):
            owners.add(self.owner(tenant))
            answer = self.customers.contact(token, call_of(request), lease, owners)
            if answer.status_code == 200:
                lease.accepted(token, answer)
                return
            token = yield from lease.another(token)

    def go_on(self, lookup, came=None):
        """
        Let *lookup* go on until it waits for what does not come now.
        """
        try:
            wait = lookup.send(came)
            while not self._stops_at(wait):
                wait = lookup.send(wait.block())
        except StopIteration:
            return
        self.waiting.append((lookup, wait))

    def _stops_at(self, wait):
        if isinstance(wait, Moment):
            return self.is_together
        return self.is_held and not wait._flight.done()

    def settle(self):
        """
        Wait until every flight has landed, or is held by its endpoint.
        """
        if not self.is_held:
            landed()
        until = time.monotonic() + 10
        while self.customers.held < number_of_flights():
            assert time.monotonic() < until
            time.sleep(0.0005)

    @property
    def is_held(self):
        return not self.customers.open.is_set()

    @rule(tenant=tenants, number=crowds)
    def lookups(self, tenant, number):
        self.number += number
        for lookup in [self.look_up(tenant) for _ in range(number)]:
            self.go_on(lookup)
            self.settle()

    @rule(tenant=tenants, number=crowds)
    def lookups_that_wait_together(self, tenant, number):
        self.number += number
        before, self.waiting = self.waiting, []
        self.is_together = True
        for lookup in [self.look_up(tenant) for _ in range(number)]:
            self.go_on(lookup)
        self.is_together = False
        self.all_go_on()
        self.waiting += before

    def the_endpoint_goes_on(self):
        self.customers.open.set()
        landed()
        self.all_go_on()

    def all_go_on(self):
        waiting, self.waiting = self.waiting, []
        for lookup, wait in waiting:
            if self._stops_at(wait):
                self.waiting.append((lookup, wait))
            else:
                self.go_on(lookup, wait.block())
                self.settle()

    @rule(tenant=tenants, seconds=st.sampled_from([0.5, 1.0, 5.0, 11.0]))
    def a_little_later(self, tenant, seconds):
        self.clock.advance(seconds)
        self.lookups(tenant, 1)

    @rule(tenant=tenants, share=st.sampled_from([0.5, 0.81, 0.99, 1.0]), sleeps=st.booleans())
    def later_in_the_life_of_a_token(self, tenant, share, sleeps):
        tokens = [token for token in self.customers.tokens.values() if token.is_of(tenant)]
        if tokens:
            newest = max(tokens, key=lambda token: token.wall)
            seconds = max(0.0, newest.left(self.clock) - (1 - share) * newest.lifetime)
            (self.clock.suspend if sleeps else self.clock.advance)(seconds)
        self.lookups(tenant, 2)

    @rule(tenant=tenants)
    def tokens_are_revoked(self, tenant):
        for token in list(self.customers.tokens.values()):
            if token.is_of(tenant):
                token.is_revoked = True
        self.lookups(tenant, 1)

    @precondition(lambda self: not self.is_held)
    @rule(answer=st.sampled_from([None, None, 401, 503]))
    def the_endpoint_changes_its_mind(self, answer):
        self.customers.answer = answer

    @rule(lifetime=st.sampled_from([100.0, 100.0, 3600.0, 20.0, 0.0]))
    def lifetimes_change(self, lifetime):
        self.customers.lifetime = lifetime

    @rule(tenant=tenants)
    def a_secret_is_rotated(self, tenant):
        self.secrets[tenant] += 1
        self.lookups(tenant, 1)

    @rule(tenant=tenants)
    def tokens_are_invalidated(self, tenant):
        self.strategy(tenant).invalidate()
        self.epochs[tenant] += 1
        self.lookups(tenant, 1)

    @precondition(lambda self: not self.is_held)
    @rule()
    def the_endpoint_hesitates(self):
        self.customers.open.clear()

    @precondition(lambda self: self.is_held)
    @rule()
    def the_endpoint_answers(self):
        self.the_endpoint_goes_on()

    @rule(age=st.sampled_from([0.0, 79.0, 85.0, 101.0]))
    def another_process_shares_a_token(self, age):
        lease = self.lease("lee")
        token = self.customers.issued_elsewhere(self.owner("lee"), age)
        self.shared.tokens[lease._shared(lease._network)._key] = token
        self.lookups("lee", 1)

    @rule(seconds=st.sampled_from([50.0, 500.0]))
    def the_wall_clock_is_turned_back(self, seconds):
        self.clock.suspend(-seconds)
        self.shared.tokens.clear()  # it tells no time now that others would agree with

    @rule()
    def what_is_shared_vanishes(self):
        self.shared.tokens.clear()

    @invariant()
    def every_promise_is_kept(self):
        if hasattr(self, "customers"):
            assert self.customers.problems == []

    @invariant()
    def token_requests_are_bounded(self):
        if hasattr(self, "customers"):
            # One for each, one for what was rejected.
            assert len(self.customers.asked) <= 2 * self.number

    def teardown(self):
        if hasattr(self, "customers"):
            self.the_endpoint_goes_on()
            assert self.customers.problems == []


TestTokens = TokenMachine.TestCase
TestTokens.settings = settings(
    max_examples=150,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
