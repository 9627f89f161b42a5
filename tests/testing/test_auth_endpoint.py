from __future__ import annotations

import threading

import httpx
import pytest

from careof.errors import AuthenticationError
from careof.testing import _worlds
from careof.testing._auth_endpoint import HOST, AuthEndpoint, async_resolver, resolver
from tests.support.strategies_gone_wrong import FetchesPerCall, KeyAuth, VoucherAuth

PATIENCE = 10


def endpoint():
    return AuthEndpoint(
        lambda token: httpx.Response(200, json={"voucher": token}), lambda: httpx.Response(401)
    )


@pytest.fixture
def look_up(shell):
    """
    One lookup of this shell.
    """
    build = resolver if shell.name == "sync" else async_resolver
    return lambda auth, asked: shell.call(build(auth, asked).resolve, "C-1")


def test_it_notes_what_each_lookup_says(look_up):
    asked = endpoint()

    look_up(KeyAuth("made-up"), asked)

    assert asked.lookups == [
        [
            ("method", "POST"),
            ("path", "/people/C-1"),
            ("query parameter 'fields'", "a b"),
            ("query parameter 'lang'", "en"),
            *[part for part in asked.lookups[0] if part[0].startswith("header ")],
            ("body 'reference'", '"C-1"'),
            ("body 'own'", '"kept"'),
        ]
    ]
    assert ("header 'x-key'", "made-up") in asked.lookups[0]
    assert ("header 'x-own'", "kept") in asked.lookups[0]


def test_the_length_of_a_body_is_no_part_of_its_own(look_up):
    """
    It follows from the body, which a strategy may add to.
    """
    asked = endpoint()

    look_up(KeyAuth(), asked)

    assert "header 'content-length'" not in dict(asked.lookups[0])


@pytest.mark.parametrize("auth, waits", [(KeyAuth, False), (VoucherAuth, True)])
def test_only_who_needs_a_token_is_seen_to_wait(look_up, auth, waits):
    seen = []

    class Watching(AuthEndpoint):
        def is_waited_for(self, call):
            seen.append(call.step)

    look_up(auth(), Watching(lambda token: httpx.Response(200, json={"voucher": token}), None))

    assert set(seen) == ({"token"} if waits else set())


@pytest.mark.parametrize("body", [b"streamed", b"[1]", b""])
def test_a_body_that_is_no_object_is_one_part(body):
    asked = endpoint()

    asked.handle_request(httpx.Request("POST", f"https://{HOST}/", content=body))

    assert asked.lookups[0][-1] == ("body", body.decode())


def test_whatever_goes_elsewhere_is_a_token_request(look_up):
    asked = endpoint()

    for _ in range(2):
        look_up(FetchesPerCall(), asked)

    assert asked.token_requests == len(set(asked.tokens)) == 2
    assert [("header 'x-voucher'", token) for token in asked.tokens] == [
        part for sent in asked.lookups for part in sent if part[0] == "header 'x-voucher'"
    ]


def test_a_revoked_token_is_rejected_until_there_is_another(look_up):
    asked, auth = endpoint(), VoucherAuth()
    look_up(auth, asked)
    asked.revoke()

    look_up(auth, asked)

    assert asked.token_requests == 2
    assert len(asked.lookups) == 3


def test_revoked_for_ever_no_other_token_helps(look_up):
    asked = endpoint()
    asked.revoke(for_ever=True)

    with pytest.raises(AuthenticationError):
        look_up(VoucherAuth(), asked)


def begun(auth, asked, *, seconds=PATIENCE, callers=2):
    """
    A lookup that waits for its token, which waits for so many *callers*.
    """
    asked.hold(callers, seconds=seconds)
    flight = _worlds.begin(lambda: _worlds.worlds()["in threads"](auth, asked, 1))
    asked.asked.result(PATIENCE)
    return flight


@pytest.mark.parametrize("world", _worlds.worlds())
def test_a_token_is_held_until_all_callers_wait_for_it(world):
    asked, auth = endpoint(), VoucherAuth()
    first = begun(auth, asked)
    was_held = not first.done()

    second = _worlds.worlds()[world](auth, asked, 1)

    assert was_held
    assert first.result(PATIENCE) + second == [None, None]
    assert asked.token_requests == 1


@pytest.mark.parametrize("world", _worlds.worlds())
def test_another_token_request_ends_the_wait(world):
    """
    In a strategy that yields it, and is not seen to wait.
    """
    asked, auth = endpoint(), FetchesPerCall()
    first = begun(auth, asked, callers=100)

    second = _worlds.worlds()[world](auth, asked, 1)

    assert first.result(PATIENCE) + second == [None, None]
    assert asked.token_requests == 2


@pytest.mark.parametrize("world", _worlds.worlds())
def test_where_nobody_is_seen_to_wait_a_token_is_held_for_a_moment(world):
    asked = endpoint()
    asked.hold(2, seconds=0.01)

    assert _worlds.worlds()[world](VoucherAuth(), asked, 1) == [None]


def test_what_is_held_can_be_released():
    asked = endpoint()
    flight = begun(VoucherAuth(), asked)

    asked.release()

    assert flight.result(PATIENCE) == [None]


def test_threads_that_arrive_together_open_the_gate_once():
    asked = endpoint()
    asked.hold(1)

    threads = [threading.Thread(target=asked.is_waited_for, args=(object(),)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asked.release()

    assert asked.handle_request(httpx.Request("POST", "https://desk.example/")).is_success
