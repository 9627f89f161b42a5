"""
Strategies that hosts could have written, each wrong in one way.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import uuid
import warnings
from types import MappingProxyType

import httpx

from careof import Secret
from careof.auth import AccessToken, AuthStrategy, TokenAuth
from careof.errors import AuthenticationError, EndpointUnavailableError

DESK = "https://crm.customer.example/vouchers"
KEY = "made-up-voucher-key"


class VoucherAuth(TokenAuth):
    """
    One that is right.
    """

    header = "X-Voucher"
    prefix = ""

    def __init__(self, key=KEY):
        super().__init__(lifetime=300)
        self.key = Secret(key)

    def token_request(self):
        return httpx.Request("POST", DESK, headers={"X-Key": self.key.reveal()})

    def read_token(self, response):
        return AccessToken(response.json()["voucher"])


class KeyAuth(AuthStrategy):
    """
    Another one.
    """

    def __init__(self, key=KEY):
        self.key = Secret(key)

    def apply(self, request):
        request.headers["X-Key"] = self.key.reveal()


# What it sends.


class SendsNothing(KeyAuth):
    def apply(self, request):
        pass


class SendsNothingInLoops(KeyAuth):
    async def async_auth_flow(self, request):
        yield request


class AddsTwice(KeyAuth):
    def apply(self, request):
        request.headers = httpx.Headers([*request.headers.raw, (b"X-Key", self.key.reveal())])


class AddsParameterTwice(KeyAuth):
    def apply(self, request):
        request.url = request.url.copy_add_param("key", self.key.reveal())


class LosesHeaders(KeyAuth):
    def apply(self, request):
        request.headers = httpx.Headers({"Host": request.url.host, "X-Key": self.key.reveal()})


class LosesQuery(KeyAuth):
    def apply(self, request):
        request.url = request.url.copy_with(params={"key": self.key.reveal()})


class LosesBody(KeyAuth):
    def apply(self, request):
        super().apply(request)
        request.stream = httpx.ByteStream(b'{"reference": "C-1"}')


# How it shares.


class NamesItselfAnew(VoucherAuth):
    def identity(self):
        return (self.key, uuid.uuid4())


class CountsAnswers(VoucherAuth):
    """
    So that it is another strategy after each.
    """

    answers = 0

    def read_token(self, response):
        self.answers += 1
        return super().read_token(response)


class FetchesPerCall(VoucherAuth):
    def sync_auth_flow(self, request):
        token = self.read_token((yield self.token_request()))
        self.apply_token(request, token)
        yield request

    async def async_auth_flow(self, request):
        token = self.read_token((yield self.token_request()))
        self.apply_token(request, token)
        yield request


class ChecksThenFetches(VoucherAuth):
    """
    Whoever comes while the first is asking asks as well.
    """

    tokens = {}  # noqa: RUF012  # for all of them

    def key_of(self, request):
        return request.extensions["careof.call"].network.place, self.key.reveal()

    def sync_auth_flow(self, request):
        key = self.key_of(request)
        if key not in self.tokens:
            self.tokens[key] = self.read_token((yield self.token_request()))
        self.apply_token(request, self.tokens[key])
        response = yield request
        if response.status_code == 401 and isinstance(request.stream, httpx.ByteStream):
            self.tokens[key] = self.read_token((yield self.token_request()))
            self.apply_token(request, self.tokens[key])
            yield request

    async def async_auth_flow(self, request):
        flow = self.sync_auth_flow(request)
        wanted = next(flow)
        with contextlib.suppress(StopIteration):
            while True:
                response = yield wanted
                wanted = flow.send(response)


class SharesOneToken(ChecksThenFetches):
    tokens = MappingProxyType({"for everybody": AccessToken("one-voucher-for-everybody")})

    def key_of(self, request):
        return "for everybody"


class ForgetsItsSecret(VoucherAuth):
    def identity(self):
        return (DESK,)


class BuildsAnotherSecret(VoucherAuth):
    def identity(self):
        return (*super().identity(), id(self))


# Where it waits.


class KeepsALock(ChecksThenFetches):
    """
    One that belongs to the first loop where somebody waits for it.
    """

    def __init__(self, key=KEY):
        super().__init__(key)
        self.lock = asyncio.Lock()

    async def async_auth_flow(self, request):
        key = self.key_of(request)
        async with self.lock:
            if key not in self.tokens:
                self.tokens[key] = self.read_token((yield self.token_request()))
        flow = super().async_auth_flow(request)
        wanted = await anext(flow)
        with contextlib.suppress(StopAsyncIteration):
            while True:
                response = yield wanted
                wanted = await flow.asend(response)


class KeepsALoop(KeyAuth):
    loop = None

    async def async_auth_flow(self, request):
        self.apply(request)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            pass  # Trio
        else:
            self.loop = self.loop or loop
            self.loop.call_soon(len, "")
        yield request


LOCKS = []  # of the next two


def let_go():
    """
    Open every lock that a thread still waits for.
    """
    while LOCKS:
        LOCKS.pop().release(1000)


def a_lock():
    LOCKS.append(threading.Semaphore(1))  # the only lock that can be opened twice
    return LOCKS[-1]


class BlocksTheLoop(ChecksThenFetches):
    def __init__(self, key=KEY):
        super().__init__(key)
        self.lock = a_lock()

    def sync_auth_flow(self, request):
        with self.lock:
            yield from super().sync_auth_flow(request)


class HoldsALock(VoucherAuth):
    """
    It is held in the child of a fork for ever.
    """

    def __init__(self, key=KEY):
        super().__init__(key)
        self.lock = a_lock()

    def identity(self):
        return (self.key,)

    def sync_auth_flow(self, request):
        with self.lock:
            yield from super().sync_auth_flow(request)


class KeepsItsFailure(VoucherAuth):
    failed = False

    def identity(self):
        return (self.key,)

    def read_token(self, response):
        if self.failed:
            raise AuthenticationError("It failed before.")
        self.failed = True
        token = super().read_token(response)
        self.failed = False
        return token


# What it does about a rejection.


class TakesNoForAnAnswer(VoucherAuth):
    def is_rejected(self, response):
        return False


class TakesNoForAnAnswerInLoops(VoucherAuth):
    async def async_auth_flow(self, request):
        flow = super().async_auth_flow(request)
        yield await anext(flow)
        await flow.aclose()


class SendsTheOldToken(VoucherAuth):
    def apply_token(self, request, token):
        if "X-Voucher" not in request.headers:
            super().apply_token(request, token)


class RetriesForEver(KeyAuth):
    def auth_flow(self, request):
        self.apply(request)
        while (yield request).status_code == 401 and isinstance(request.stream, httpx.ByteStream):
            pass


class RetriesForEverInLoops(KeyAuth):
    async def async_auth_flow(self, request):
        self.apply(request)
        while (yield request).status_code == 401:
            pass


class BlamesTheEndpoint(KeyAuth):
    def auth_flow(self, request):
        self.apply(request)
        response = yield request
        if response.status_code == 401:
            raise EndpointUnavailableError("It is always down.")


class SendsTwice(KeyAuth):
    def auth_flow(self, request):
        self.apply(request)
        if (yield request).status_code == 401:
            yield request


class FetchesTwice(VoucherAuth):
    def sync_auth_flow(self, request):
        flow = super().sync_auth_flow(request)
        response = yield next(flow)
        with contextlib.suppress(StopIteration):
            again = flow.send(response)
            yield self.token_request()
            yield again


# What it shows.


class ShowsKey(KeyAuth):
    def __repr__(self):
        return f"ShowsKey({self.key.reveal()})"


class ShowsHeader(KeyAuth):
    """
    As BasicAuth would send it.
    """

    def __repr__(self):
        return f"ShowsHeader({httpx.BasicAuth('surveys', self.key.reveal())._auth_header})"


class ShowsToken(VoucherAuth):
    last = ["none so far"]  # noqa: RUF012  # an attribute of its own would be part of the key

    def apply_token(self, request, token):
        super().apply_token(request, token)
        self.last[:] = [token.value.reveal()]

    def __repr__(self):
        return f"ShowsToken({self.last[0]})"


class KeepsText(KeyAuth):
    def __init__(self, key=KEY):
        self.plain = key

    def apply(self, request):
        request.headers["X-Key"] = self.plain


class QuotesTheAnswer(VoucherAuth):
    def read_token(self, response):
        try:
            return super().read_token(response)
        except ValueError:
            raise AuthenticationError(f"No voucher in {response.text}") from None


class RaisesItsKey(KeyAuth):
    def apply(self, request):
        raise AuthenticationError(f"The key {self.key.reveal()} is out of date.")


class QuotesItself(VoucherAuth):
    def read_token(self, response):
        try:
            return super().read_token(response)
        except KeyError:
            error = AuthenticationError("No voucher.")
            error.error = self.key.reveal()
            raise error from None


class Logs(VoucherAuth):
    def read_token(self, response):
        logging.getLogger("host.vouchers").debug("%s", response.text)
        return super().read_token(response)


class LogsInLoops(KeyAuth):
    async def async_auth_flow(self, request):
        self.apply(request)
        if (yield request).status_code == 401:
            logging.getLogger("host.keys").info("rejected: %r", self.key.reveal())


class LogsItsError(VoucherAuth):
    def read_token(self, response):
        try:
            return super().read_token(response)
        except ValueError as error:
            logging.getLogger("host.vouchers").exception("no voucher")
            raise AuthenticationError("No voucher.") from error


class Warns(VoucherAuth):
    def read_token(self, response):
        warnings.warn(f"new voucher: {response.text}", stacklevel=1)
        return super().read_token(response)


class Pickles(KeyAuth):
    def __reduce_ex__(self, protocol):
        return type(self), (self.key.reveal(),)


# What it believes.


class BelievesEverything(VoucherAuth):
    """
    No voucher is the voucher "None".
    """

    def read_token(self, response):
        return AccessToken(str(response.json().get("voucher")))


class KnowsOnlyOurs(KeyAuth):
    def apply(self, request):
        super().apply(request)
        request.place.origin  # noqa: B018  # a plain httpx.Request has none
