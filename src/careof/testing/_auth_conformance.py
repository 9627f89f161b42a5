"""
The tests that every authentication strategy has to pass, for those that hosts write.
"""

from __future__ import annotations

import contextlib
import functools
import os
import pickle
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

import httpx

from careof.auth import NoAuth
from careof.errors import AuthenticationError, CareofError
from careof.testing._auth_proof import FOUND, AuthProof, Twice, said
from careof.testing._leaks import overheard, views_of, views_of_error
from careof.testing._worlds import at_once, begin, in_a_child, worlds

TASKS = 200
THREADS = 50


class AuthConformance(AuthProof):
    """
    The tests of a strategy of your own: subclass it, and say how to build one.

    Override ``auth``; for a strategy that fetches tokens ``token_answer``,
    unless its endpoint answers as OAuth 2.0 has it; and where the defaults do
    not fit, ``rejection``, ``others`` and ``secrets``.  The tests need no
    network and no fixtures: they run under pytest and, mixed into a
    ``unittest.TestCase``, under anything else.

    Attributes:
        patience: Seconds after which what has not ended is said to hang.
    """

    def test_every_lookup_carries_a_credential(self) -> None:
        """
        What is sent is not what would be sent without the strategy.
        """
        bare = self._sent(NoAuth())[0]
        for where, world in worlds().items():
            self._require(
                all(sent != bare for sent in self._sent(self.auth(), world)),
                f"a lookup {where} carries no credential. Change the request in place, in "
                "apply() or apply_token()",
            )

    def test_applying_twice_leaves_one_credential(self) -> None:
        """
        A request that is sent again has the new credential in the place of the old.
        """
        first, second = self._sent(Twice(self.auth()), times=1)
        more = Counter(name for name, _ in second) - Counter(name for name, _ in first)
        self._require(
            not more, f"applied twice, it adds twice: {', '.join(more)}. Replace what is there"
        )

    def test_the_request_keeps_what_it_says(self) -> None:
        """
        Headers, query and body of the lookup are sent as they were.
        """
        bare, sent = self._sent(NoAuth())[0], self._sent(self.auth())[0]
        lost = Counter(bare) - Counter(sent)
        self._require(
            not lost,
            f"the request loses what it said: {', '.join(name for name, _ in lost)}. Set one "
            "header or one parameter, and leave the others",
        )

    def test_a_cold_burst_asks_for_one_token(self) -> None:
        """
        Threads, tasks and event loops that find no token share one token request.
        """
        in_threads, in_asyncio, in_trio = worlds().values()
        for burst in (
            [(in_threads, THREADS)],
            [(in_asyncio, TASKS)],
            [(in_trio, TASKS)],
            [(in_asyncio, THREADS), (in_trio, THREADS), (in_threads, THREADS)],
        ):
            endpoint, auth = self._endpoint(), self.auth()
            endpoint.hold(sum(number for _, number in burst))
            works = [functools.partial(world, auth, endpoint, number) for world, number in burst]
            for outcomes in at_once(works, self.patience):
                self._found(outcomes)
            self._one_token(auth, endpoint, "callers that come at once")

    def test_an_equal_strategy_finds_the_token(self) -> None:
        """
        A strategy that is used again, or built again, asks for no other token.
        """
        endpoint, auth = self._endpoint(), self.auth()
        for again in (auth, auth, self.auth()):
            self._found(self._look_up(again, endpoint))
        self._one_token(auth, endpoint, "equal strategies, one after the other")

    def test_others_have_credentials_of_their_own(self) -> None:
        """
        Each of ``others()`` asks for a token of its own, and sends what nobody else sends.
        """
        endpoint = self._endpoint()
        for auth in (self.auth(), *self.others()):
            self._found(self._look_up(auth, endpoint))
        sent = endpoint.lookups
        self._require(
            all(one not in sent[:number] for number, one in enumerate(sent)),
            "one of others() sends the same credential. Store what tells them apart, as a Secret "
            "or a plain value; an identity() of its own has to name it",
        )

    def test_it_shows_no_secret(self) -> None:
        """
        Neither what it prints nor what is stored on it, before and after its lookups.
        """
        endpoint, auth = self._endpoint(), self.auth()
        for _ in range(2):
            self._hidden(
                endpoint,
                views_of(auth),
                "its {where} shows a secret or a token. Keep it as a Secret",
            )
            self._found(self._look_up(auth, endpoint))

    def test_no_error_shows_a_secret(self) -> None:
        """
        Neither the words of an error, nor its causes, nor the locals of its frames.
        """
        for words, endpoint, world in self._failing():
            for error in filter(None, self._look_up(self.auth(), endpoint, world)):
                self._hidden(
                    endpoint,
                    views_of_error(error),
                    f"{words}, and the {{where}} of the error shows a secret or a token. Quote "
                    "nothing of a request or an answer",
                )

    def test_no_log_shows_a_secret(self) -> None:
        """
        Nothing is logged, at any level, nor warned of, with a secret in it.
        """
        well = ("its lookups succeed", self._endpoint(), worlds()["in threads"])
        for words, endpoint, world in (well, *self._failing()):
            auth = self.auth()
            with overheard() as texts:
                self._look_up(auth, endpoint, world)
                self._look_up(auth, endpoint, world)
            self._hidden(
                endpoint,
                {"log records and warnings": "\n".join(texts)},
                f"{words}, and {{where}} show a secret or a token. Name the endpoint and the "
                "status, and nothing else",
            )

    def test_one_object_lives_in_one_loop_after_another(self) -> None:
        """
        A loop of asyncio, another one, Trio, and plain threads use the same object.
        """
        auth = self.auth()
        in_threads, in_asyncio, in_trio = worlds().values()
        for world in (in_asyncio, in_asyncio, in_trio, in_threads):
            endpoint = self._endpoint()
            endpoint.hold(3)  # a lock is bound to the loop of those who wait for it
            self._found(
                self._look_up(auth, endpoint, world, 3),
                "used in one event loop after another, ",
                "Keep no loop, lock, task or client on the strategy",
            )

    def test_it_refuses_to_be_pickled(self) -> None:
        """
        Or its secrets would end up in a queue, a cache or a file.
        """
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            pickled = b""
            with contextlib.suppress(Exception):
                pickled = pickle.dumps(self.auth(), protocol)
            self._require(
                not pickled,
                f"it can be pickled (protocol {protocol}). Leave __reduce_ex__, __reduce__ and "
                "__getstate__ to AuthStrategy",
            )

    def test_a_rejected_token_is_replaced_once(self) -> None:
        """
        One more token is asked for, and the lookup is sent once more with it.
        """
        advice = "After a rejection fetch once, apply the new token, and send once more"
        for world in worlds().values():
            endpoint, auth = self._endpoint(), self.auth()
            self._found(self._look_up(auth, endpoint, world))
            if endpoint.token_requests:
                endpoint.revoke()
                self._found(self._look_up(auth, endpoint, world), "its token revoked, ", advice)
                self._require(
                    endpoint.token_requests == 2,
                    f"a revoked token costs {endpoint.token_requests - 1} more. {advice}",
                )
                self._require(
                    endpoint.lookups[-1] != endpoint.lookups[-2],
                    f"after a rejection the old token is sent again. {advice}",
                )

    def test_a_rejection_for_ever_ends_the_lookup(self) -> None:
        """
        It is sent twice at most, and then the credentials are to blame.
        """
        for world in worlds().values():
            endpoint, auth = self._endpoint(), self.auth()
            self._found(self._look_up(auth, endpoint, world))
            endpoint.revoke(for_ever=True)
            outcome = self._look_up(auth, endpoint, world)[0]
            self._require(
                len(endpoint.lookups) <= 3,
                f"rejected for ever, it sends {len(endpoint.lookups) - 1} lookups. Repeat once",
            )
            is_usual = self.rejection().status_code in (401, 403)
            self._require(
                isinstance(outcome, AuthenticationError if is_usual else CareofError),
                f"rejected for ever, a lookup {said(outcome)}. End the flow after the last answer",
            )

    def test_a_body_that_cannot_be_sent_again_keeps_its_answer(self) -> None:
        """
        In a client of the host, where a lookup that was streamed is rejected and stays so.
        """
        endpoint, auth = self._endpoint(), self.auth()
        for _ in range(2):  # with a token that is new, and with one that was kept
            answer = self._in_a_client(auth, endpoint, content=iter([b"streamed"]))
            endpoint.revoke(for_ever=True)
            self._require(
                isinstance(answer, httpx.Response | AuthenticationError)
                and all(("body", "streamed") in sent for sent in endpoint.lookups),
                f"a lookup with a streamed body {said(answer)}, or is sent again without it. "
                "Repeat only where request.stream is an httpx.ByteStream",
            )

    def test_a_client_of_the_host_can_use_it(self) -> None:
        """
        A strategy is an ``httpx.Auth``.
        """
        answer = self._in_a_client(self.auth(), self._endpoint())
        self._require(
            isinstance(answer, httpx.Response) and answer.is_success,
            f"in an httpx.Client a lookup {said(answer)}. Use nothing but the request",
        )

    def test_a_token_endpoint_that_fails_ends_the_lookup(self) -> None:
        """
        In an error of careof, never in a lookup without a token; and the next one is free.
        """
        for words, endpoint, world in self._failing():
            auth = self.auth()
            outcome = self._look_up(auth, endpoint, world)[0]
            self._require(
                isinstance(outcome, CareofError) or not endpoint.token_requests,
                f"{words}, and a lookup {said(outcome)}. Let read_token() raise unless there is a "
                "token in the answer",
            )
            self._found(self._look_up(auth, self._endpoint(), world), "after a failure, ")

    def test_it_works_after_a_fork(self) -> None:
        """
        In a child that is forked while its parent waits for a token.
        """
        if not hasattr(os, "fork"):
            return
        in_threads = worlds()["in threads"]
        endpoint, own, auth = self._endpoint(), self._endpoint(), self.auth()
        endpoint.hold(2, seconds=self.patience)  # and one comes
        parent = begin(lambda: in_threads(auth, endpoint, 1))
        either: list[Future[Any]] = [parent, endpoint.asked]
        wait(either, timeout=self.patience, return_when=FIRST_COMPLETED)
        outcome = in_a_child(lambda: said(in_threads(auth, own, 1)[0]), self.patience)
        endpoint.release()
        self._found(at_once([parent.result], self.patience)[0])
        self._require(
            outcome == FOUND,
            f"in a forked child a lookup {outcome}. Keep no lock on the strategy",
        )
