"""
A customer's token endpoint and contact endpoint in one, which a test holds and releases.
"""

from __future__ import annotations

import pathlib
import threading

import httpx

import careof
from careof import ContactSelector, RequestTemplate
from careof._network.network import Network
from careof._values.clock import SYSTEM_CLOCK
from careof.auth import AccessToken, MemoryTokenCache, TokenAuth
from careof.errors import AuthenticationError

TOKEN_URL = "https://id.customer.example/token"
CONTACT_URL = "https://contacts.customer.example/people/C-1"
EMAIL = "ada@customer.example"
OURS = str(pathlib.Path(careof.__file__).parent)
PATIENCE = 10.0  # seconds after which a test that hangs fails

_changed = threading.Condition()  # the counters of servers and caches


def wait_until(condition):
    """
    Wait until *condition*, about the counters of servers and caches, holds.
    """
    with _changed:
        assert _changed.wait_for(condition, PATIENCE)


class TokenServer(httpx.MockTransport):
    """
    The ``transport=`` of resolvers that share a strategy.

    Attributes:
        token_requests: Every request for a token.
        lookups: Every ``Authorization`` that a lookup came with.
        answer: What answers the next token requests; None to issue tokens.
    """

    def __init__(self, *, lifetime=3600):
        super().__init__(self._answer)
        self.token_requests = []
        self.lookups = []
        self.rejections = 0
        self.answer = None
        self.lifetime = lifetime
        self._accepted = set()
        self._open = threading.Event()
        self._open.set()

    def hold(self):
        """
        Let token requests come in, and answer none of them.
        """
        self._open.clear()

    def release(self):
        self._open.set()

    def revoke(self):
        """
        Accept none of the tokens issued so far.
        """
        self._accepted.clear()

    def is_in_a_child(self):
        """
        Begin anew after ``fork()``, with nothing that a lost thread may hold.
        """
        self._open = threading.Event()
        self._open.set()

    def _answer(self, request):
        if request.url.path == "/token":
            return self._issue(request)
        with _changed:
            authorization = request.headers.get("authorization", "")
            self.lookups.append(authorization)
            accepted = authorization in self._accepted
            self.rejections += not accepted
            _changed.notify_all()
        return httpx.Response(200, json={"email": EMAIL}) if accepted else httpx.Response(401)

    def _issue(self, request):
        with _changed:
            self.token_requests.append(request)
            token = f"token-{len(self.token_requests)}"
            _changed.notify_all()
        assert self._open.wait(PATIENCE)
        if self.answer is not None:
            return self.answer
        self._accepted.add(f"Bearer {token}")
        return httpx.Response(200, json={"access_token": token, "expires_in": self.lifetime})


class WatchedCache(MemoryTokenCache):
    """
    A cache that tells how often callers asked it in vain, and when it was filled.
    """

    def __init__(self):
        super().__init__()
        self.misses = 0
        self.fillings = 0

    def get(self, key):
        token = super().get(key)
        if token is None and threading.current_thread().name != "careof-tokens":
            with _changed:
                self.misses += 1
                _changed.notify_all()
        return token

    def set(self, key, token):
        super().set(key, token)
        with _changed:
            self.fillings += 1
            _changed.notify_all()


class VoucherAuth(TokenAuth):
    """
    What a host writes: how to ask, and how to read the answer.
    """

    def token_request(self):
        return httpx.Request("POST", TOKEN_URL)

    def read_token(self, response):
        body = response.json()
        return AccessToken(body["access_token"], lifetime=body["expires_in"])


def request_in(transport, *, clock=SYSTEM_CLOCK, url=CONTACT_URL, seconds=PATIENCE, **options):
    """
    A request as a resolver with this *transport* hands it to a strategy.
    """
    call = Network(transport=transport, clock=clock).call(seconds)
    return call.carried_by(httpx.Request(options.pop("method", "GET"), url, **options))


def conversation(auth, request, answer):
    """
    Drive the flow of *auth* by hand; *answer* stands for the endpoint.

    Returns what was sent: method, URL, ``Authorization`` and body.  A rejection
    that no other token mends is an end as any other.
    """
    sent = []
    flow = auth.sync_auth_flow(request)
    wanted = next(flow, None)
    while wanted is not None:
        sent.append((wanted.method, str(wanted.url), authorization(wanted), wanted.content))
        try:
            wanted = flow.send(answer(wanted))
        except StopIteration:
            wanted = None
        except AuthenticationError as error:
            if error.detail != "token_rejected":
                raise
            wanted = None
    return sent


def authorization(request):
    return request.headers.get("authorization", "")


def resolver(kind, auth, transport, **options):
    """
    A resolver of *kind*, ``HttpResolver`` or its async twin.
    """
    return kind(
        RequestTemplate("https://contacts.customer.example/people/{reference_id}"),
        ContactSelector(email="$.email"),
        auth=auth,
        transport=transport,
        **options,
    )


def insides_of(error):
    """
    What a report of *error* could print that is ours: words, attributes, locals of our frames.
    """
    texts = [str(error), repr(error), repr(error.args), repr(vars(error))]
    frames = error.__traceback__
    while frames is not None:
        if frames.tb_frame.f_code.co_filename.startswith(OURS):
            texts.append(frames.tb_frame.f_code.co_name)
            texts += map(_shown, frames.tb_frame.f_locals.values())
        frames = frames.tb_next
    texts += [insides_of(other) for other in (error.__cause__, error.__context__) if other]
    return "\n".join(texts)


def _shown(value):
    try:
        return repr(value)
    except AttributeError:
        return "half built"
