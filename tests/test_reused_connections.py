"""
Promise 3, where a connection brings more than one answer: never the answer to somebody else's.
"""

from __future__ import annotations

import gc
import select
import threading

import anyio
import httpx
import pytest

from careof import ContactSelector, Limits, NetworkPolicy, RequestTemplate, RetryPolicy
from careof.auth import TokenEndpointAuth
from careof.errors import (
    DeadlineError,
    ReferenceGoneError,
    UnexpectedAnswerError,
)
from tests.support.forks import in_a_child
from tests.support.keepalive import KeepAlive, person
from tests.support.server import certificate, trusting

ECHO = ContactSelector(email="$.email", reference_id="$.id")
NO_ECHO = ContactSelector(email="$.email")


@pytest.fixture(params=["http", "https"])
def tls(request):
    return certificate("127.0.0.1") if request.param == "https" else None


def resolver(shell, server, selector=ECHO, **options):
    return shell.HttpResolver(
        RequestTemplate(server.origin + "/{reference_id}"),
        selector,
        network=NetworkPolicy.for_loopback(),
        ssl_context=trusting(),
        **{"retry": RetryPolicy.never(), **options},
    )


def resolve(shell, kept, reference):
    return shell.call(kept.resolve, reference).email.reveal()


def close(shell, kept):
    shell.call(kept.close if shell.name == "sync" else kept.aclose)


def wait_until_it_has_come(kept):
    """
    What was sent on loopback is there in a moment, and a busy machine has long ones.
    """
    ((_, _, connection),) = next(iter(kept._network._pool._idle.values()))
    assert select.select([connection._stream], [], [], 10)[0]


@pytest.fixture
def asking(shell):
    """
    Resolvers that are closed at the end.
    """
    made = []

    def make(*arguments, **options):
        made.append(resolver(shell, *arguments, **options))
        return made[-1]

    yield make
    for kept in made:
        close(shell, kept)


def test_with_an_echo_one_connection_brings_many_answers(shell, asking, tls):
    """
    From one event loop to the next, as well.
    """
    with KeepAlive(tls=tls) as server:
        kept = asking(server)
        found = [resolve(shell, kept, f"ref-{number}") for number in range(4)]

    assert found == [person(f"ref-{number}") for number in range(4)]
    assert server.connections == 1


def test_without_an_echo_every_lookup_has_a_connection_of_its_own(shell, asking, tls):
    with KeepAlive(tls=tls) as server:
        kept = asking(server, NO_ECHO)
        found = [resolve(shell, kept, f"ref-{number}") for number in range(3)]

    assert found == [person(f"ref-{number}") for number in range(3)]
    assert [number for number, _ in server.asked] == [1, 2, 3]


def test_a_second_answer_in_the_same_segment_spoils_the_first(shell, asking, tls):
    with KeepAlive("doubled", tls=tls) as server:
        kept = asking(server)
        for reference in ("ref-1", "ref-2"):
            with pytest.raises(UnexpectedAnswerError) as caught:
                resolve(shell, kept, reference)
            assert caught.value.detail == "trailing_data"

    assert [number for number, _ in server.asked] == [1, 2]


def test_a_second_answer_in_the_next_record_of_the_segment_is_never_read(shell, asking):
    with KeepAlive("next_record", tls=certificate("127.0.0.1")) as server:
        kept = asking(server)
        found = [resolve(shell, kept, reference) for reference in ("ref-1", "ref-2")]

    assert found == [person("ref-1"), person("ref-2")]
    assert [number for number, _ in server.asked] == [1, 2]


def test_a_second_answer_that_comes_while_nobody_asks_is_never_read(shell, asking, tls):
    with KeepAlive("later", tls=tls) as server:
        kept = asking(server)
        first = resolve(shell, kept, "ref-1")
        server.plant()
        wait_until_it_has_come(kept)
        second = resolve(shell, kept, "ref-2")

    assert (first, second) == (person("ref-1"), person("ref-2"))
    assert [number for number, _ in server.asked] == [1, 2]


def test_a_second_answer_that_comes_with_the_next_question_is_refused(shell, asking, tls):
    """
    No check of the connection can see it coming; the echo does, and the
    question is asked again where no other answer can come.
    """
    with KeepAlive("before_next", tls=tls) as server:
        kept = asking(server)
        found = [resolve(shell, kept, f"ref-{number}") for number in (1, 2, 3)]

    assert found == [person(f"ref-{number}") for number in (1, 2, 3)]
    assert server.asked == [(1, "ref-1"), (1, "ref-2"), (2, "ref-2"), (3, "ref-3")]


def test_an_answer_about_somebody_else_ends_its_connection(shell, asking):
    """
    Also when it comes alone, so that nothing but the echo is wrong.
    """
    with KeepAlive("stranger") as server:
        kept = asking(server)
        found = [resolve(shell, kept, f"ref-{number}") for number in (1, 2, 3)]

    assert found == [person(f"ref-{number}") for number in (1, 2, 3)]
    assert server.asked == [(1, "ref-1"), (1, "ref-2"), (2, "ref-2"), (3, "ref-3")]


def test_an_answer_about_somebody_else_on_a_connection_of_its_own_is_refused(shell, asking, tls):
    with KeepAlive("mixed_up", tls=tls) as server:
        kept = asking(server)
        for _ in range(2):
            with pytest.raises(UnexpectedAnswerError) as caught:
                resolve(shell, kept, "ref-1")
            assert caught.value.detail == "other_reference"

    assert server.asked == [(1, "ref-1"), (2, "ref-1")]


def test_a_stray_word_that_somebody_is_gone_does_not_hold_for_the_next_person(shell, asking, tls):
    """
    No echo stands in it, and a host would drop the reference.
    """
    with KeepAlive("gone", tls=tls) as server:
        kept = asking(server)
        found = [resolve(shell, kept, f"ref-{number}") for number in (1, 2, 3)]

    assert found == [person(f"ref-{number}") for number in (1, 2, 3)]
    assert server.asked == [(1, "ref-1"), (1, "ref-2"), (2, "ref-2"), (3, "ref-3")]


def test_that_somebody_is_gone_is_believed_on_a_connection_of_its_own(shell, asking, tls):
    with KeepAlive(tls=tls) as server:
        kept = asking(server)
        resolve(shell, kept, "ref-1")
        with pytest.raises(ReferenceGoneError):
            resolve(shell, kept, "nobody")
        with pytest.raises(ReferenceGoneError):
            resolve(shell, kept, "nobody")

    assert server.asked == [(1, "ref-1"), (1, "nobody"), (2, "nobody"), (3, "nobody")]


def test_a_connection_that_was_closed_meanwhile_is_not_used_again(shell, asking, tls):
    with KeepAlive("hang_up", tls=tls) as server:
        kept = asking(server)
        first = resolve(shell, kept, "ref-1")
        wait_until_it_has_come(kept)
        second = resolve(shell, kept, "ref-2")

    assert (first, second) == (person("ref-1"), person("ref-2"))
    assert [number for number, _ in server.asked] == [1, 2]


def test_a_connection_that_is_said_to_close_is_not_used_again(shell, asking, tls):
    with KeepAlive("farewell", tls=tls) as server:
        kept = asking(server)
        for reference in ("ref-1", "ref-2"):
            resolve(shell, kept, reference)

    assert [number for number, _ in server.asked] == [1, 2]


def test_a_question_that_meets_the_end_of_its_connection_is_asked_once_more(shell, asking, tls):
    with KeepAlive("cut_off", tls=tls) as server:
        kept = asking(server)
        found = [resolve(shell, kept, reference) for reference in ("ref-1", "ref-2")]

    assert found == [person("ref-1"), person("ref-2")]
    assert server.asked == [(1, "ref-1"), (1, "ref-2"), (2, "ref-2")]


def test_after_one_that_was_kept_and_says_nothing_comes_a_fresh_one(shell, asking):
    """
    Or every try would meet another one that a firewall has forgotten.
    """
    with KeepAlive("silent") as server:
        kept = asking(server, limits=Limits(attempt=0.3), retry=RetryPolicy(base=0.01))
        resolve(shell, kept, "ref-1")
        found = resolve(shell, kept, "ref-2")

    assert found == person("ref-2")
    assert server.asked == [(1, "ref-1"), (1, "ref-2"), (2, "ref-2")]


def test_a_connection_that_timed_out_is_not_used_again(shell, asking, tls):
    with KeepAlive("silent", tls=tls) as server:
        kept = asking(server, limits=Limits(attempt=0.3))
        resolve(shell, kept, "ref-1")
        with pytest.raises(DeadlineError):
            resolve(shell, kept, "ref-2")
        resolve(shell, kept, "ref-3")

    assert [number for number, _ in server.asked] == [1, 1, 2]


@pytest.mark.parametrize("shell", ["asyncio", "trio"], indirect=True)
def test_a_connection_whose_lookup_was_cancelled_is_not_used_again(shell, asking, tls):
    with KeepAlive("silent", tls=tls) as server:
        kept = asking(server)

        async def cancelled():
            await kept.resolve("ref-1")
            server.arrived.acquire()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(kept.resolve, "ref-2")
                await anyio.to_thread.run_sync(server.arrived.acquire)
                tasks.cancel_scope.cancel()
            await kept.resolve("ref-3")

        shell.call(cancelled)

    assert [number for number, _ in server.asked] == [1, 1, 2]


def all_at_once(shell, kept, shares):
    """
    The addresses of each share's references, the shares side by side.
    """
    found = {}

    def ask(mine):
        for reference in mine:
            found[reference] = kept.resolve(reference).email.reveal()

    async def ask_async(mine):
        for reference in mine:
            found[reference] = (await kept.resolve(reference)).email.reveal()

    async def in_tasks():
        async with anyio.create_task_group() as tasks:
            for mine in shares:
                tasks.start_soon(ask_async, mine)

    if shell.name != "sync":
        shell.call(in_tasks)
        return found
    threads = [threading.Thread(target=ask, args=(mine,)) for mine in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_many_at_once_get_each_their_own(shell, asking, tls):
    references = [f"ref-{number}" for number in range(24)]
    with KeepAlive(tls=tls) as server:
        found = all_at_once(shell, asking(server), [references[i::6] for i in range(6)])

    assert found == {reference: person(reference) for reference in references}
    assert server.connections <= 6


@pytest.mark.parametrize("shell", ["sync"], indirect=True)
def test_a_child_never_uses_the_connections_of_its_parent(shell, asking, tls):
    with KeepAlive(tls=tls) as server:
        kept = asking(server)
        resolve(shell, kept, "ref-1")
        in_a_child(lambda: resolve(shell, kept, "ref-2"))
        found = resolve(shell, kept, "ref-3")

    assert found == person("ref-3")
    assert server.asked == [(1, "ref-1"), (2, "ref-2"), (1, "ref-3")]


def test_a_resolver_that_was_closed_opens_new_ones(shell, asking):
    with KeepAlive() as server:
        kept = asking(server)
        resolve(shell, kept, "ref-1")
        close(shell, kept)
        resolve(shell, kept, "ref-2")

    assert [number for number, _ in server.asked] == [1, 2]


def test_a_resolver_that_is_forgotten_leaves_nothing_open(shell):
    """
    The endpoint sees the end of its connection.
    """
    with KeepAlive() as server:
        kept = resolver(shell, server)
        resolve(shell, kept, "ref-1")
        del kept
        gc.collect()

        assert not server._lines[0].receive()


def test_a_test_of_the_configuration_has_one_connection_and_leaves_none(shell, asking):
    with KeepAlive() as server:
        kept = asking(server)
        report = shell.call(kept.check, "ref-1")
        resolve(shell, kept, "ref-2")

    assert report
    assert [number for number, _ in server.asked] == [1, 2]


def test_a_token_never_comes_over_a_connection_of_lookups(shell, asking):
    """
    It has no echo: over a connection that was used it could be somebody else's answer.
    """
    with KeepAlive() as server:
        auth = TokenEndpointAuth(server.origin + "/token", method="GET", token_path="$.email")
        kept = asking(server, auth=auth)
        resolve(shell, kept, "ref-1")
        resolve(shell, kept, "ref-2")

    assert server.asked == [(1, "token"), (2, "ref-1"), (2, "ref-2")]


class AsksFirst(httpx.Auth):
    """
    A strategy of somebody else's, with a request of its own before each lookup.
    """

    def auth_flow(self, request):
        yield httpx.Request("GET", request.url.copy_with(path="/token"))
        yield request


def test_neither_does_what_a_strategy_of_somebody_elses_asks_on_the_way(shell, asking):
    with KeepAlive() as server:
        kept = asking(server, auth=AsksFirst())
        resolve(shell, kept, "ref-1")
        resolve(shell, kept, "ref-2")

    assert server.asked == [(1, "token"), (2, "ref-1"), (3, "token"), (2, "ref-2")]
