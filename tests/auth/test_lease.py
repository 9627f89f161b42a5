from __future__ import annotations

import itertools
import threading
from urllib.parse import parse_qs

import attrs
import httpx
import pytest

from careof import HttpResolver, Limits, NetworkPolicy, Secret
from careof._network.call import call_of
from careof._network.flights import wait_for
from careof._network.network import Network
from careof._network.waits import drive
from careof.auth import (
    AccessToken,
    MemoryTokenCache,
    OAuth2RefreshToken,
    TokenAuth,
    TokenEndpointAuth,
    _claim,
)
from careof.auth._cache import PROCESS_CACHE
from careof.auth._claim import own_network
from careof.auth._fetch import request_of
from careof.auth._history import JITTER, PASSING_PAUSES, REJECTION_PAUSES, history_of
from careof.auth._lease import Lease
from careof.errors import (
    AuthenticationError,
    CareofError,
    DeadlineError,
    EndpointUnavailableError,
)
from careof.testing import FakeClock
from tests.support.crowds import landed, outcome_of
from tests.support.stores import SharedCache
from tests.support.tokens import (
    CONTACT_URL,
    TOKEN_URL,
    TokenServer,
    VoucherAuth,
    WatchedCache,
    insides_of,
    request_in,
    resolver,
    wait_until,
)


def voucher(server, **options):
    """
    A strategy, and what makes its next lease.
    """
    options.setdefault("cache", WatchedCache())
    auth = VoucherAuth(**options)
    return auth, lambda: Lease(auth, request_in(server))


def fetched(lease, flight=None):
    flight = flight or lease._joined()
    wait_for(flight, 10)
    return drive(lease._landed(flight))


def another(lease, token):
    """
    What *lease* has in place of *token*, which was just rejected.
    """
    return drive(lease.another(token))


def value_of(token):
    return token.value.reveal()


@attrs.define
class TenantAuth(VoucherAuth):
    """
    A host's strategy whose fields are in slots.
    """

    tenant: str
    secret: Secret
    unset: str = attrs.field(init=False)


def class_made_in_a_function(token):
    class Auth(VoucherAuth):
        def read_token(self, response):
            return AccessToken(token, lifetime=60)

    return Auth


def key(auth, transport=None):
    return Lease(auth, request_in(transport or SERVER))._key


SERVER = TokenServer()


@pytest.mark.parametrize(
    "one, other",
    [
        (VoucherAuth(), VoucherAuth()),
        (TenantAuth("a", Secret("s")), TenantAuth("a", Secret("s"))),
        (VoucherAuth(leeway=1), VoucherAuth(leeway=2)),
        (VoucherAuth(cache=MemoryTokenCache()), VoucherAuth()),
        (VoucherAuth(clock=FakeClock()), VoucherAuth()),
        (VoucherAuth(rejected_statuses=frozenset({403})), VoucherAuth()),
    ],
)
def test_the_same_configuration_shares_a_token(one, other):
    assert key(one) == key(other)


@pytest.mark.parametrize(
    "one, other",
    [
        (TenantAuth("a", Secret("s")), TenantAuth("b", Secret("s"))),
        (TenantAuth("a", Secret("s")), TenantAuth("a", Secret("t"))),
        (VoucherAuth(lifetime=60), VoucherAuth(lifetime=61)),
        (class_made_in_a_function("a")(), class_made_in_a_function("b")()),
    ],
    ids=["another tenant", "another secret", "another lifetime", "another class of one name"],
)
def test_what_differs_shares_no_token(one, other):
    assert key(one) != key(other)


def test_two_classes_of_one_name_never_see_each_others_tokens():
    one, other = (class_made_in_a_function(name)(cache=MemoryTokenCache()) for name in "ab")
    other.cache = one.cache

    tokens = [value_of(fetched(Lease(auth, request_in(SERVER)))) for auth in (one, other)]

    assert tokens == ["a", "b"]


def test_a_rotated_secret_asks_for_a_new_token():
    secrets = iter(["old", "new", "new"])
    auth = TenantAuth("a", Secret.from_callable(lambda: next(secrets)))

    assert key(auth) != key(auth)


def test_a_token_of_one_network_is_not_used_in_another():
    """
    A token may be bound to a client certificate.
    """
    auth = VoucherAuth()

    assert key(auth, TokenServer()) != key(auth, TokenServer())


def test_without_a_token_there_is_none():
    _, lease = voucher(TokenServer())

    assert lease().at_hand() is None


def test_a_token_that_was_fetched_is_found_by_the_next_lease():
    server = TokenServer()
    _, lease = voucher(server)

    token = fetched(lease())

    assert lease().at_hand() is token
    assert len(server.token_requests) == 1


def test_a_token_that_is_dead_is_not_used():
    clock = FakeClock()
    _, lease = voucher(TokenServer(lifetime=100), clock=clock)
    fetched(lease())

    clock.advance(100)

    assert lease().at_hand() is None


def test_without_a_cache_of_its_own_a_strategy_uses_the_one_of_the_process():
    _, lease = voucher(TokenServer(), cache=None)

    token = fetched(lease())

    assert PROCESS_CACHE.get(lease()._key) is token


def test_an_empty_cache_that_has_a_length_is_used():
    class SizedCache(MemoryTokenCache):
        def __len__(self):
            return super().__len__()

    auth, lease = voucher(TokenServer(), cache=SizedCache())

    fetched(lease())

    assert len(auth.cache) == 1


def test_strategies_with_caches_of_their_own_share_no_flight():
    server = TokenServer()
    server.hold()
    leases = [voucher(server)[1]() for _ in range(2)]

    flights = [lease._joined() for lease in leases]
    server.release()

    assert [value_of(fetched(*pair)) for pair in zip(leases, flights, strict=True)]
    assert len(server.token_requests) == 2


@pytest.mark.parametrize("passed, requests", [(79.5, 1), (80, 2)])
def test_near_its_end_a_token_goes_on_while_the_next_one_is_fetched(passed, requests):
    clock = FakeClock()
    server = TokenServer(lifetime=100)
    auth, lease = voucher(server, clock=clock)
    old = fetched(lease())
    server.hold()
    clock.advance(passed)

    tokens = [lease().at_hand() for _ in range(5)]
    server.release()
    wait_until(lambda: auth.cache.fillings == requests)

    assert tokens == [old] * 5
    assert len(server.token_requests) == requests
    assert value_of(lease().at_hand()) == f"token-{requests}"


def test_a_token_that_a_host_keeps_and_returns_again_is_left_as_it_was():
    """
    What is in the cache and may be in use has times of its own.
    """
    token = AccessToken("t", lifetime=100)

    class KeepingAuth(VoucherAuth):
        def read_token(self, response):
            return token

    clock = FakeClock()
    auth = KeepingAuth(cache=WatchedCache(), clock=clock)
    first = fetched(Lease(auth, request_in(SERVER)))
    clock.advance(80)
    second = fetched(Lease(auth, request_in(SERVER)))

    assert (token.expires_at, token.lifetime) == (None, 100)
    assert (first.seconds_left(clock), second.seconds_left(clock)) == (20, 100)


def test_a_refresh_that_brings_the_same_token_is_not_repeated_at_once():
    clock = FakeClock()
    begun = clock.monotonic()
    asked = []

    def server(request):
        asked.append(request)
        left = 100 - (clock.monotonic() - begun)
        return httpx.Response(200, json={"access_token": "t", "expires_in": left})

    auth = VoucherAuth(cache=WatchedCache(), clock=clock)
    transport = httpx.MockTransport(server)

    def lease():
        return Lease(auth, request_in(transport, clock=clock))

    fetched(lease())
    clock.advance(99.9)
    lease().at_hand()
    landed()
    clock.advance(0.09)  # of the tenth of a second that was left, a fifth is the leeway
    still = lease().at_hand()
    landed()

    assert value_of(still) == "t"
    assert len(asked) == 2


def test_a_refresh_that_fails_leaves_the_token_and_is_not_repeated_at_once():
    clock = FakeClock()
    server = TokenServer(lifetime=100)
    auth, lease = voucher(server, clock=clock)
    old = fetched(lease())
    clock.advance(80)
    server.answer = httpx.Response(503)

    fetched(lease())
    tokens = [lease().at_hand() for _ in range(5)]
    requests = len(server.token_requests)
    server.answer = None
    clock.advance(PASSING_PAUSES[0] * (1 + JITTER))
    lease().at_hand()
    wait_until(lambda: auth.cache.fillings == 2)

    assert tokens == [old] * 5
    assert requests == 2
    assert value_of(lease().at_hand()) == "token-3"


def test_a_refresh_that_fails_is_not_repeated_before_the_endpoint_wants_it():
    clock = FakeClock()
    server = TokenServer(lifetime=1000)
    _, lease = voucher(server, clock=clock)
    old = fetched(lease())
    clock.advance(970)
    server.answer = httpx.Response(429, headers={"Retry-After": "20"})

    fetched(lease())
    clock.advance(19)

    assert lease().at_hand() is old
    assert len(server.token_requests) == 2


def test_a_token_request_may_take_as_long_as_one_attempt():
    server = TokenServer()
    clock = FakeClock()
    network = Network(transport=server, clock=clock, limits=Limits(attempt=1.5))
    request = network.call(8.0).carried_by(httpx.Request("GET", CONTACT_URL))

    fetched(Lease(VoucherAuth(cache=WatchedCache()), request))

    [asked] = server.token_requests
    assert call_of(asked).deadline.left() == 1.5
    assert asked.extensions["timeout"]["read"] == 1.5


def test_an_answer_that_cannot_be_read_is_a_refresh_that_fails():
    clock = FakeClock()
    server = TokenServer(lifetime=100)
    _, lease = voucher(server, clock=clock)
    old = fetched(lease())
    clock.advance(80)
    server.answer = httpx.Response(200, text="hidden")

    fetched(lease())

    assert lease().at_hand() is old
    assert len(server.token_requests) == 2


def test_whoever_comes_while_a_flight_is_up_joins_it():
    server = TokenServer()
    server.hold()
    _, lease = voucher(server)

    one, other = lease()._joined(), lease()._joined()
    server.release()

    assert one is other
    assert one.result(10)


def test_whoever_comes_just_after_a_flight_landed_takes_its_token():
    server = TokenServer()
    _, lease = voucher(server)
    late = lease()
    assert late.at_hand() is None

    token = fetched(lease())

    assert fetched(late) is token
    assert len(server.token_requests) == 1


def test_a_flight_that_does_not_land_in_time_is_a_deadline():
    server = TokenServer()
    server.hold()
    auth, lease = voucher(server)
    flight = lease()._joined()
    hurried = Lease(auth, request_in(server, seconds=0.02))

    failure = drive(hurried.fetched())
    server.release()

    assert type(failure) is DeadlineError
    assert (failure.step, failure.detail) == ("token", "deadline")
    assert flight.result(10)


def test_each_who_waits_gets_an_error_of_its_own():
    """
    A traceback belongs to one thread.
    """
    server = TokenServer()
    server.answer = httpx.Response(401, json={"error": "invalid_client"})
    _, lease = voucher(server)
    flight = lease()._joined()

    one, other = fetched(lease(), flight), fetched(lease(), flight)

    assert one is not other
    assert vars(one) == vars(other)
    assert str(one) == str(other)
    assert one.error == other.error == "invalid_client"


def test_when_too_many_tokens_are_being_fetched_the_step_is_still_named(monkeypatch):
    monkeypatch.setattr(_claim._FLIGHTS, "_limit", 0)
    _, lease = voucher(TokenServer())

    failure = fetched(lease())

    assert (failure.step, failure.detail) == ("token", "tokens_busy")


def test_the_lifetime_counts_from_when_the_token_was_asked_for():
    clock = FakeClock()
    server = TokenServer(lifetime=100)
    server.hold()
    _, lease = voucher(server, clock=clock)
    flight = lease()._joined()
    wait_until(lambda: server.token_requests)

    clock.advance(40)
    server.release()
    token = fetched(lease(), flight)

    assert token.seconds_left(clock) == 60


@pytest.mark.parametrize(
    "hook", ["token_request", "read_token"], ids=["token_request", "read_token"]
)
@pytest.mark.parametrize(
    "raised, detail",
    [
        (KeyError("hidden"), "strategy:KeyError"),
        (httpx.ConnectError("hidden"), "strategy:ConnectError"),
        (AuthenticationError("words of the host", detail="voucher"), "voucher"),
    ],
    ids=["KeyError", "httpx", "AuthenticationError"],
)
def test_of_what_a_hook_raises_only_the_class_is_kept(hook, raised, detail):
    class BrokenAuth(VoucherAuth):
        pass

    def broken(*arguments):
        raise raised from ValueError("hidden")

    setattr(BrokenAuth, hook, broken)

    failure = fetched(Lease(BrokenAuth(cache=WatchedCache()), request_in(TokenServer())))

    assert type(failure) is AuthenticationError
    assert (failure.detail, failure.step) == (detail, "token")
    assert "hidden" not in insides_of(failure)


@pytest.mark.parametrize("wrong", [None, "hidden", {"access_token": "hidden"}])
def test_a_hook_that_returns_no_access_token_is_named(wrong):
    class BrokenAuth(VoucherAuth):
        def read_token(self, response):
            return wrong

    failure = fetched(Lease(BrokenAuth(cache=WatchedCache()), request_in(TokenServer())))

    assert str(failure) == (
        f"BrokenAuth.read_token: expected an AccessToken, and it returned {type(wrong).__name__}."
    )
    assert (type(failure), failure.detail) == (AuthenticationError, "strategy")
    assert "hidden" not in insides_of(failure)


@pytest.mark.parametrize("wrong", [None, "hidden", httpx.Response(200)])
def test_a_hook_that_returns_no_request_is_named(wrong):
    class BrokenAuth(VoucherAuth):
        def token_request(self):
            return wrong

    server = TokenServer()
    failure = fetched(Lease(BrokenAuth(cache=WatchedCache()), request_in(server)))

    assert str(failure) == (
        "BrokenAuth.token_request: expected an httpx.Request, and it returned "
        f"{type(wrong).__name__}."
    )
    assert (type(failure), failure.detail) == (AuthenticationError, "strategy")
    assert "hidden" not in insides_of(failure)
    assert server.token_requests == []


def test_a_hook_that_would_end_the_process_ends_the_lookup():
    class BrokenAuth(VoucherAuth):
        def read_token(self, response):
            raise SystemExit

    server = TokenServer()
    auth = BrokenAuth(cache=WatchedCache())
    failures = [outcome_of(resolver(HttpResolver, auth, server).resolve) for _ in range(3)]

    assert {failure.detail for failure in failures} == {"strategy:SystemExit"}
    assert len(server.token_requests) == 1


@pytest.mark.parametrize("hook", ["token_request", "read_token"])
def test_a_hook_that_raises_is_named(hook):
    def fails(self, *_):
        raise KeyError("hidden")

    broken = type("BrokenAuth", (VoucherAuth,), {hook: fails})
    failure = fetched(Lease(broken(cache=WatchedCache()), request_in(TokenServer())))

    assert str(failure) == f"BrokenAuth.{hook} failed (KeyError)."
    assert failure.detail == "strategy:KeyError"


def test_a_network_that_refuses_the_token_url_says_so():
    class InsideAuth(VoucherAuth):
        def token_request(self):
            return httpx.Request("POST", "https://169.254.169.254/token")

    server = TokenServer()

    failure = fetched(Lease(InsideAuth(cache=WatchedCache()), request_in(server)))

    assert (failure.step, failure.outcome) == ("token", "refused")
    assert server.token_requests == []


def test_a_rejected_token_is_dropped_and_replaced():
    server = TokenServer()
    _, lease = voucher(server)
    token = fetched(lease())

    other = another(lease(), token)

    assert value_of(other) == "token-2"
    assert lease().at_hand() is other


def test_a_token_that_replaced_the_rejected_one_meanwhile_stays():
    """
    https://github.com/telekom/gateway-jumper/pull/170: a late 401 of the old
    token must not end the new one.
    """
    server = TokenServer()
    _, lease = voucher(server)
    old = fetched(lease())
    one, late = lease(), lease()
    new = another(one, old)

    assert another(late, old) is new
    assert len(server.token_requests) == 2


def test_the_new_token_is_the_last_that_a_late_request_tries():
    """
    However long the first answer took, and whoever may replace it again by now.
    """
    clock = FakeClock()
    server = TokenServer()
    _, lease = voucher(server, clock=clock)
    old = fetched(lease())
    one, late = lease(), lease()
    new = another(one, old)
    another(late, old)
    clock.advance(REJECTION_PAUSES[0])

    assert another(late, new) is None
    assert len(server.token_requests) == 2


def test_whoever_is_rejected_while_a_flight_is_up_joins_it():
    server = TokenServer()
    _, lease = voucher(server)
    old = fetched(lease())
    server.hold()
    flight = lease()._joined(old)
    server.release()

    assert another(lease(), old) is flight.result(10)
    assert len(server.token_requests) == 2


def test_whoever_is_rejected_joins_a_flight_that_others_need_all_the_same():
    """
    Even if the endpoint seems to reject every token, so that nobody would begin one.
    """
    server = TokenServer()
    _, lease = voucher(server, clock=FakeClock())
    first = fetched(lease())
    second = another(lease(), first)
    server.hold()
    flight = lease()._joined(second)

    wait = next(lease().another(second))

    assert wait._flight is flight
    server.release()
    landed()


def test_while_its_replacement_is_fetched_nobody_finds_the_rejected_token():
    server = TokenServer()
    _, lease = voucher(server)
    old = fetched(lease())
    server.hold()
    steps = lease().another(old)
    next(steps)

    assert lease().at_hand() is None
    server.release()
    landed()


def test_a_replacement_that_others_have_shared_is_the_last_as_well():
    clock = FakeClock()
    server = TokenServer()
    cache = SharedCache()
    _, lease = voucher(server, clock=clock, cache=cache)
    old = fetched(lease())
    cache.result = lambda method: AccessToken("theirs", clock.time() + 60, lifetime=60)
    mine = lease()
    theirs = another(mine, old)
    clock.advance(REJECTION_PAUSES[0])

    assert value_of(theirs) == "theirs"
    assert another(mine, theirs) is None
    assert len(server.token_requests) == 1


def test_a_token_that_was_fetched_for_this_request_is_not_replaced():
    _, lease = voucher(TokenServer())
    mine = lease()
    token = fetched(mine)

    assert another(mine, token) is None
    assert lease().at_hand() is token


def test_a_token_that_was_rejected_at_once_is_not_replaced_for_the_next_request_either():
    """
    Nor for any that comes with it: all who waited for it were rejected.
    """
    clock = FakeClock()
    _, lease = voucher(TokenServer(), clock=clock)
    leases = [lease() for _ in range(5)]
    tokens = [fetched(each) for each in leases]

    assert [another(*pair) for pair in zip(leases, tokens, strict=True)] == [None] * 5
    clock.advance(REJECTION_PAUSES[0] - 0.5)
    assert another(lease(), tokens[0]) is None
    clock.advance(0.5)
    assert value_of(another(lease(), tokens[0])) == "token-2"


def test_the_replacement_of_a_rejected_token_is_replaced_after_growing_pauses():
    """
    It is not the token that the endpoint minds: ever fewer requests are made
    for another one, until an hour lies between them.
    """
    clock = FakeClock()
    server = TokenServer()
    _, lease = voucher(server, clock=clock)
    token = fetched(lease())
    moments = []

    for second in range(20_000):
        replaced = len(server.token_requests)
        token = another(lease(), token) or token
        if len(server.token_requests) > replaced:
            moments.append(second)
        clock.advance(1)
        if not token.is_alive(clock):  # an hour later it is fetched as any other
            token = fetched(lease())

    assert moments == [0, 5, 25, 105, 425, 1705, 5305, 8905, 12505, 16105, 19705]


@pytest.mark.parametrize(
    "status, tokens", [(200, 3), (404, 3), (500, 2)], ids=["found", "not found", "no word of it"]
)
def test_a_token_that_was_accepted_is_replaced_at_once_when_it_is_revoked(status, tokens):
    server = TokenServer()
    _, lease = voucher(server, clock=FakeClock())
    first = fetched(lease())
    second = another(lease(), first)

    lease().accepted(second, httpx.Response(status))
    another(lease(), second)

    assert len(server.token_requests) == tokens
    assert second.is_on_trial is (status == 500)


def test_a_token_that_nobody_rejected_is_accepted_without_a_trace():
    _, lease = voucher(TokenServer())
    token = fetched(lease())

    lease().accepted(token, httpx.Response(200))

    assert history_of(lease()._place) is None


def test_a_revoked_token_whose_endpoint_fails_ends_in_that_failure():
    server = TokenServer()
    _, lease = voucher(server, clock=FakeClock())
    token = fetched(lease())
    server.answer = httpx.Response(503)

    failures = [another(lease(), token) for _ in range(3)]

    assert {(type(failure), failure.status) for failure in failures} == {
        (EndpointUnavailableError, 503)
    }
    assert len(server.token_requests) == 2


def test_the_steps_tell_where_the_token_is_from_and_how_long_it_lives():
    clock = FakeClock()
    server = TokenServer(lifetime=100)
    auth = VoucherAuth(cache=WatchedCache(), clock=clock)
    requests = [request_in(server), request_in(server)]

    fetched(Lease(auth, requests[0]))
    clock.advance(10)
    Lease(auth, requests[1]).at_hand()

    assert [
        [(step.name, step.remark) for step in call_of(request).steps] for request in requests
    ] == [
        [("token", "fetched"), ("token lifetime", "100 s left")],
        [("token", "from the cache"), ("token lifetime", "90 s left")],
    ]


def test_in_a_foreign_client_a_token_goes_through_a_network_of_ours():
    lease = Lease(VoucherAuth(), httpx.Request("GET", CONTACT_URL))

    assert lease._network is own_network()
    assert own_network().policy == NetworkPolicy()
    assert 0 < lease._deadline().left() <= Limits().deadline


def test_in_foreign_clients_equal_strategies_share_a_token():
    leases = [Lease(VoucherAuth(), httpx.Request("GET", CONTACT_URL)) for _ in range(2)]

    assert leases[0]._key == leases[1]._key


def test_a_secret_that_cannot_be_read_is_an_error_before_anything_is_asked():
    auth = TenantAuth("a", Secret.from_env("CAREOF_TESTS_NEVER_SET"))

    with pytest.raises(CareofError, match="env:CAREOF_TESTS_NEVER_SET"):
        Lease(auth, request_in(TokenServer()))


def test_a_token_auth_needs_both_hooks():
    class Unfinished(TokenAuth):
        def token_request(self):
            raise NotImplementedError

    with pytest.raises(TypeError, match="read_token"):
        Unfinished()


def test_a_strategy_of_the_hosts_may_have_a_fingerprint_of_its_own():
    """
    As one does whose token is bound to a certificate.
    """

    class Bound(VoucherAuth):
        def __init__(self, fingerprint):
            super().__init__()
            self.fingerprint = fingerprint

    assert key(Bound("aa")) != key(Bound("bb"))


class RotatingDesk(httpx.MockTransport):
    """
    A token endpoint that gives another refresh token each time, and takes none twice.
    """

    def __init__(self):
        super().__init__(self._answer)
        self.sent = []

    def _answer(self, request):
        [token] = parse_qs(request.content.decode())["refresh_token"]
        if token in self.sent:
            return httpx.Response(400, json={"error": "invalid_grant"})
        self.sent.append(token)
        number = len(self.sent)
        return httpx.Response(
            200, json={"access_token": f"token-{number}", "refresh_token": f"refresh-{number}"}
        )


def refreshing(first):
    return OAuth2RefreshToken(TOKEN_URL, "client", "secret", refresh_token=first)


def test_a_request_whose_refresh_token_was_spent_meanwhile_is_not_sent():
    """
    The thread that made it was put aside, and another one's flight came and went.
    """
    desk = RotatingDesk()
    late, other = (Lease(refreshing("refresh-a"), request_in(desk)) for _ in range(2))
    made_before = request_of(late._strategy, late._key)
    token = drive(other.fetched())

    found = drive(late._landed(late._begun(made_before, None, late._network, None)))

    assert found is token
    assert desk.sent == ["refresh-a"]


def test_a_token_that_was_rotated_and_has_died_is_fetched_with_the_newest():
    clock = FakeClock()
    desk = RotatingDesk()
    auth = OAuth2RefreshToken(
        TOKEN_URL, "client", "secret", refresh_token="refresh-b", clock=clock
    )
    late, other = (Lease(auth, request_in(desk)) for _ in range(2))
    made_before = request_of(auth, late._key)
    drive(other.fetched())
    clock.advance(60)

    found = drive(late._landed(late._begun(made_before, None, late._network, None)))

    assert value_of(found) == "token-2"
    assert desk.sent == ["refresh-b", "refresh-1"]


def test_a_lease_that_is_older_than_a_rotation_asks_for_nothing():
    """
    Its key is that of the spent one, and the request that it would make is not.
    """
    desk = RotatingDesk()
    late, other = (Lease(refreshing("refresh-c"), request_in(desk)) for _ in range(2))
    token = drive(other.fetched())

    assert drive(late.fetched()) is token
    assert desk.sent == ["refresh-c"]


@pytest.mark.parametrize("values", [*itertools.product("ab", repeat=6)], ids="".join)
def test_a_secret_that_never_stands_still_files_no_token_under_another_value(values):
    """
    As one does that reads a global "current tenant" while another thread sets it.
    """

    def desk(request):
        return httpx.Response(200, json={"access_token": request.content.decode()[-1]})

    transport = httpx.MockTransport(desk)
    cache = MemoryTokenCache()
    readings = iter([*values, *"a" * 20])
    secret = Secret.from_callable(lambda: next(readings))
    auth = TokenEndpointAuth(TOKEN_URL, form={"secret": secret}, cache=cache)
    drive(Lease(auth, request_in(transport)).fetched())

    for value in "ab":
        auth = TokenEndpointAuth(TOKEN_URL, form={"secret": Secret(value)}, cache=cache)
        token = Lease(auth, request_in(transport)).at_hand()

        assert token is None or value_of(token) == value


def test_a_token_asked_for_before_invalidate_is_not_found_under_a_new_refresh_token():
    desk = RotatingDesk()
    auth = refreshing("refresh-d")
    lease = Lease(auth, request_in(desk))
    held_up = threading.Event()
    answer = desk.handler
    desk.handler = lambda request: held_up.wait(10) and answer(request)
    flight = lease._joined()

    auth.invalidate()
    held_up.set()
    flight.result(10)

    assert Lease(auth, request_in(desk)).at_hand() is None
    assert value_of(drive(Lease(auth, request_in(desk)).fetched())) == "token-2"


def test_while_a_host_stores_a_refresh_token_no_other_one_is_spent():
    """
    A row that stays locked would cost one with each caller who gave up.
    """
    stored = threading.Event()
    desk = RotatingDesk()
    auth = OAuth2RefreshToken(
        TOKEN_URL,
        "client",
        "secret",
        refresh_token="refresh-e",
        on_rotate=lambda token: stored.wait(10),
    )
    network = Network(transport=desk, limits=Limits(attempt=0.01))

    outcomes = []
    for _ in range(3):
        request = network.call(0.05).carried_by(httpx.Request("GET", CONTACT_URL))
        outcomes.append(drive(Lease(auth, request).fetched()))
    stored.set()

    assert {type(outcome) for outcome in outcomes} == {DeadlineError}
    assert desk.sent == ["refresh-e"]


def test_the_configuration_test_asks_for_another_token_where_lookups_do_not():
    """
    Whoever has mended the audience need not wait for an hour.
    """
    clock = FakeClock()
    server = TokenServer()
    auth, lease = voucher(server, clock=clock)
    token = another(lease(), fetched(lease()))
    call = Network(transport=server).call(10, is_test=True)
    tested = Lease(auth, call.carried_by(httpx.Request("GET", CONTACT_URL)))

    assert another(lease(), token) is None
    assert value_of(drive(tested.another(token))) == "token-3"
