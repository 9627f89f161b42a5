"""
What a proof of a strategy is made of: what the host says about it, and the means to try it.

Failures are raised here, in words that name no secret.  They are no ``assert``
statements, which are nothing under ``python -O``, and print what they compare.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from typing import Any

import httpx

from careof._network.network import Network
from careof.auth import AuthStrategy, TokenAuth
from careof.testing._auth_endpoint import HOST, AuthEndpoint, Parts
from careof.testing._leaks import SHORTEST, masked, secrets_of, shows
from careof.testing._worlds import Outcome, World, at_once, worlds

FOUND = "finds its contact"

_BY_HAND = (
    "Call what you override by hand to see why; what a hook raises is hidden here. Does "
    "read_token() read what token_answer() answers?"
)

_OVERRIDE = (
    "Override token_answer(): without it the token endpoint answers as OAuth 2.0 has it, which "
    "read_token() may not read. "
)

_Answer = Callable[[str], httpx.Response]


def _cannot_be_reached(token: str) -> httpx.Response:
    raise httpx.ConnectError(token)


# Each has the token somewhere, where a message that quotes the answer shows it.
FAILURES: dict[str, _Answer] = {
    "the token endpoint answers 500": lambda token: httpx.Response(500, text=token),
    "the token endpoint answers 400": lambda token: httpx.Response(
        400, json={"error": "invalid_client", "error_description": token}
    ),
    "the token endpoint redirects": lambda token: httpx.Response(
        307, headers={"Location": f"https://elsewhere.example/{token}"}
    ),
    "the token endpoint answers HTML": lambda token: httpx.Response(
        200, html=f"<html>\n{token}\n</html>"
    ),
    "the token endpoint answers half of a JSON": lambda token: httpx.Response(
        200, content=f'{{\n"conformance": "{token}'
    ),
    "the token endpoint answers without the token": lambda token: httpx.Response(
        200, content=f'{{\n"conformance": "{token}"\n}}'
    ),
    "the token endpoint answers no text": lambda token: httpx.Response(
        200, content=b"\xff\x00" + token.encode()
    ),
    "the token endpoint answers nothing": lambda _: httpx.Response(200),
    "the token endpoint cannot be reached": _cannot_be_reached,
}


class AuthProof:
    """
    What ``AuthConformance`` asks of its host, and does.
    """

    patience: float = 10.0

    def auth(self) -> AuthStrategy:
        """
        The strategy to prove: a new one each time, equal to the others, and bound to no origin.
        """
        raise NotImplementedError(
            f"{type(self).__name__}: override auth(), and return a new strategy each time."
        )

    def token_answer(self, token: str) -> httpx.Response:
        """
        What its token endpoint answers to issue *token*; by default as RFC 6749 §5.1 has it.
        """
        return httpx.Response(
            200, json={"access_token": token, "token_type": "Bearer", "expires_in": 3600}
        )

    def rejection(self) -> httpx.Response:
        """
        What says that a token is no longer good; by default one of ``rejected_statuses``, or 401.
        """
        return httpx.Response(min(getattr(self.auth(), "rejected_statuses", None) or {401}))

    def others(self) -> Iterable[AuthStrategy]:
        """
        Strategies that must not share its credential, such as one with another secret.
        """
        return ()

    def secrets(self) -> Iterable[str]:
        """
        What nobody may see, beside the tokens; by default every ``Secret`` stored on it.
        """
        return secrets_of(self.auth())

    def _endpoint(self, token_answer: _Answer | None = None) -> AuthEndpoint:
        endpoint = AuthEndpoint(
            token_answer or functools.partial(self._answered, "token_answer"),
            functools.partial(self._answered, "rejection"),
        )
        self._endpoints().append(endpoint)
        return endpoint

    def _answered(self, name: str, *arguments: str) -> httpx.Response:
        # What goes wrong inside a transport is hidden by all that lies above it.
        try:
            answer: object = getattr(self, name)(*arguments)
        except Exception as error:
            vars(self)["_wrong"] = f"{name}(): it fails with {type(error).__name__}"
            raise
        if not isinstance(answer, httpx.Response):
            kind = type(answer).__name__
            vars(self)["_wrong"] = f"{name}(): expected an httpx.Response, got {kind}"
            return httpx.Response(500)
        return answer

    def _endpoints(self) -> list[AuthEndpoint]:
        found: list[AuthEndpoint] = vars(self).setdefault("_all_endpoints", [])
        return found

    def _failing(self) -> Iterator[tuple[str, AuthEndpoint, World]]:
        for world in worlds().values():
            for words, answer in FAILURES.items():
                yield words, self._endpoint(answer), world
            rejecting = self._endpoint()
            rejecting.revoke(for_ever=True)
            yield "every lookup is rejected", rejecting, world

    def _look_up(
        self, auth: httpx.Auth, endpoint: AuthEndpoint, world: World | None = None, number: int = 1
    ) -> list[Outcome]:
        work = functools.partial(world or worlds()["in threads"], auth, endpoint, number)
        return at_once([work], self.patience)[0]

    def _sent(self, auth: httpx.Auth, world: World | None = None, times: int = 2) -> list[Parts]:
        endpoint = self._endpoint()
        for _ in range(times):
            self._found(self._look_up(auth, endpoint, world))
        return endpoint.lookups

    def _in_a_client(
        self, auth: httpx.Auth, endpoint: AuthEndpoint, **body: Any
    ) -> httpx.Response | Exception:
        probe = self._endpoint()
        self._found(self._look_up(auth, probe))
        call = Network(transport=endpoint).call(self.patience)

        def send() -> httpx.Response | Exception:
            try:
                with httpx.Client(transport=endpoint, auth=auth, trust_env=False) as client:
                    request = client.build_request("POST", f"https://{HOST}/people/C-1", **body)
                    if probe.token_requests:
                        # Or it would ask through a network of its own, a real one.
                        request = call.carried_by(request)
                    return client.send(request)
            except Exception as error:
                return error

        return at_once([send], self.patience)[0]

    def _found(self, outcomes: list[Outcome], when: str = "", advice: str = "") -> None:
        failed = next(filter(None, outcomes), None)
        if not advice:
            is_default = type(self).token_answer is AuthProof.token_answer
            has_asked = any(endpoint.tokens for endpoint in self._endpoints())
            advice = (_OVERRIDE if is_default and has_asked else "") + _BY_HAND
        self._require(
            failed is None,
            f"{when}a lookup {said(failed)}. {advice}",
        )

    def _one_token(self, auth: httpx.Auth, endpoint: AuthEndpoint, callers: str) -> None:
        self._require(
            endpoint.token_requests == 1
            or (endpoint.token_requests == 0 and not isinstance(auth, TokenAuth)),
            f"{endpoint.token_requests} token requests instead of one for {callers}. Leave both "
            "flows to TokenAuth; let no hook change an attribute, for attributes are the key "
            "under which a token is kept; and give equal strategies one cache",
        )

    def _hidden(self, endpoint: AuthEndpoint, views: Mapping[str, str], words: str) -> None:
        # By name what can be seen; the words say {where} it is.
        secrets = list(self.secrets())
        self._require(
            all(len(secret) >= SHORTEST for secret in secrets),
            f"a secret of it is shorter than {SHORTEST} characters, and could stand anywhere by "
            "chance. Build it with longer ones, or name in secrets() what counts",
        )
        for where, text in views.items():
            self._require(not shows(text, [*secrets, *endpoint.tokens]), words.format(where=where))

    def _require(self, condition: bool, words: str) -> None:  # noqa: FBT001
        __tracebackhide__ = True
        if not condition:
            words = vars(self).get("_wrong", words).rstrip(".")
            tokens = [token for endpoint in self._endpoints() for token in endpoint.tokens]
            words = masked(words, [*self.secrets(), *tokens])
            end = "" if words.endswith("?") else "."
            raise AssertionError(f"{type(self.auth()).__name__}: {words}{end}")


class Twice(httpx.Auth):
    """
    Applies a strategy to one request a second time, as one that repeats it does.
    """

    def __init__(self, auth: httpx.Auth) -> None:
        self._auth = auth

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """
        The flow, and the flow again.
        """
        yield from self._auth.sync_auth_flow(request)
        yield from self._auth.sync_auth_flow(request)


def said(outcome: httpx.Response | Outcome) -> str:
    """
    What became of a lookup, in words.
    """
    if outcome is None:
        return FOUND
    if isinstance(outcome, httpx.Response):
        return f"is answered {outcome.status_code}"
    return f"fails with {type(outcome).__name__}: {str(outcome).rstrip('.')}"
