"""
Promise 7: a URL that a tenant wrote never reaches an address inside.

Inside is 127.0.0.1 here, where a server listens and counts.  What a policy allows
beside it is 127.0.0.2, where nobody does.
"""

from __future__ import annotations

import socket

import httpx
import pytest

from careof import (
    CareofError,
    ContactSelector,
    Invitation,
    NetworkPolicy,
    RequestTemplate,
    RetryPolicy,
)
from careof.auth import (
    MemoryTokenCache,
    OAuth2ClientCredentials,
    TokenAuth,
    TokenEndpointAuth,
)
from careof.errors import DestinationRefusedError
from tests.support.destinations import PUBLIC_NAMES_OF_INNER_ADDRESSES
from tests.support.nameserver import NameServer
from tests.support.raising import error_of
from tests.support.server import Server, certificate, trusting

SELECTOR = ContactSelector(email="$.email")
HOST = "contacts.customer.example"
TOKENS = "tokens.customer.example"
PUBLIC = "93.184.216.34"
MAPPED = "::ffff:127.0.0.1"
TOKEN = b'{"access_token": "t", "expires_in": 60, "token_type": "Bearer"}'


def opening(network):
    """
    A policy that opens *network* beside the public ones, for any port and without TLS.
    """
    return NetworkPolicy(allow_http=True, ports=None, allow_networks=[network])


BESIDE_INSIDE = opening("127.0.0.2/32")


@pytest.fixture
def names(monkeypatch):
    return NameServer(monkeypatch)


@pytest.fixture
def inside():
    with Server(body=TOKEN) as server:
        yield server


def resolver_of(shell, origin, **options):
    return shell.HttpResolver(RequestTemplate(origin + "/{reference_id}"), SELECTOR, **options)


# By its spelling.


@pytest.mark.parametrize(
    "url",
    [
        "http://contacts.customer.example/{reference_id}",
        "https://127.0.0.1/{reference_id}",
        "https://localhost/{reference_id}",
        "https://169.254.169.254/{reference_id}",
        "https://[::1]/{reference_id}",
        "https://2130706433/{reference_id}",
        "https://contacts.customer.example:8443/{reference_id}",
        "https://metadata.internal/{reference_id}",
    ],
)
def test_a_url_that_points_inside_is_refused_when_the_resolver_is_built(shell, url):
    with pytest.raises(DestinationRefusedError):
        shell.HttpResolver(RequestTemplate(url), SELECTOR)


def test_the_loopback_policy_opens_this_machine_and_nothing_else(shell):
    policy = NetworkPolicy.for_loopback()
    with pytest.raises(DestinationRefusedError):
        resolver_of(shell, f"https://{HOST}", network=policy)


# By DNS.


@pytest.mark.parametrize(
    "answer",
    [
        ["127.0.0.1"],
        ["10.0.0.5"],
        ["169.254.169.254"],
        [PUBLIC, "127.0.0.1"],
        ["127.0.0.1", PUBLIC],
        ["::1"],
        [MAPPED],
        [PUBLIC, MAPPED],
        ["64:ff9b::7f00:1"],
        ["fe80::1%eth0"],
        [PUBLIC, "fe80::1%eth0"],
        ["2606:4700:4700::1111%eth0"],
        [],
    ],
)
def test_a_name_that_points_inside_is_refused(shell, names, answer):
    names.answers(HOST, answer)
    resolver = resolver_of(shell, f"https://{HOST}")
    with pytest.raises(DestinationRefusedError) as caught:
        shell.call(resolver.resolve, "ref-1")

    assert (caught.value.detail, caught.value.step) == ("destination", "destination")
    assert names.asked == [HOST]


@pytest.mark.parametrize(
    "answer",
    [
        ["127.0.0.1"],
        ["127.0.0.1", "127.0.0.2"],
        ["127.0.0.2", "127.0.0.1"],
        [MAPPED],
        ["127.0.0.2", MAPPED],
        ["127.0.0.2", "::ffff:7f00:1"],
        ["::127.0.0.1"],
    ],
)
def test_a_name_that_points_inside_is_refused_before_anything_is_opened(
    shell, names, inside, answer
):
    names.answers(HOST, answer)
    resolver = resolver_of(shell, f"http://{HOST}:{inside.port}", network=BESIDE_INSIDE)
    with pytest.raises(DestinationRefusedError):
        shell.call(resolver.resolve, "ref-1")

    assert inside.connections == 0


@pytest.mark.parametrize("name", PUBLIC_NAMES_OF_INNER_ADDRESSES)
def test_a_public_name_of_an_address_inside_is_refused(shell, names, name):
    names.answers(name, [PUBLIC_NAMES_OF_INNER_ADDRESSES[name]])
    resolver = resolver_of(shell, f"https://{name}")

    with pytest.raises(DestinationRefusedError):
        shell.call(resolver.resolve, "ref-1")


def test_the_connection_goes_to_the_address_that_was_judged(shell, names, inside):
    """
    A name that changes between the look and the leap (rebinding) finds one look-up
    and no second one.
    """
    names.answers(HOST, ["127.0.0.1"], ["169.254.169.254"])
    inside.body = b'{"email": "ada@people.example"}'
    origin = f"http://{HOST}:{inside.port}"
    resolver = resolver_of(shell, origin, network=opening("127.0.0.1/32"))
    contact = shell.call(resolver.resolve, "ref-1")

    assert contact.email.reveal() == "ada@people.example"
    assert names.asked == [HOST]
    assert inside.connections == 1
    assert f"Host: {HOST}:{inside.port}".lower().encode() in inside.requests[0].lower()


def test_a_name_that_was_good_once_is_judged_again(shell, names, inside):
    names.answers(HOST, ["127.0.0.1"], ["127.0.0.1", "169.254.169.254"])
    inside.body = b'{"email": "ada@people.example"}'
    origin = f"http://{HOST}:{inside.port}"
    resolver = resolver_of(shell, origin, network=opening("127.0.0.1/32"))
    shell.call(resolver.resolve, "ref-1")
    with pytest.raises(DestinationRefusedError):
        shell.call(resolver.resolve, "ref-1")

    assert names.asked == [HOST, HOST]
    assert inside.connections == 1


@pytest.mark.parametrize("address, step", [("::1", "connect"), ("::2", "destination")])
def test_a_name_with_ipv6_addresses_alone_is_judged_by_them(shell, names, address, step):
    names.answers(HOST, [address])
    with socket.socket() as unused:  # nobody listens at its port
        unused.bind(("127.0.0.1", 0))
        resolver = resolver_of(
            shell,
            f"http://{HOST}:{unused.getsockname()[1]}",
            network=opening("::1/128"),
            retry=RetryPolicy.never(),
        )
        error = error_of(shell.call, resolver.resolve, "ref-1")

    assert error.step == step


# What may be learnt from a refusal.

NOWHERE = {
    "does not exist": socket.gaierror(-2, "Name or service not known"),
    "has no address": socket.gaierror(-5, "No address associated with hostname"),
    "does not answer now": socket.gaierror(-3, "Temporary failure in name resolution"),
    "is no name": UnicodeError("label empty or too long"),
    "answers nothing": [],
    "denied": ["10.0.0.1"],
    "denied, in IPv6": ["fd00:ec2::254"],
    "mapped": [MAPPED],
    "with a zone": ["fe80::1%eth0"],
    "mixed": [PUBLIC, "10.0.0.1"],
}


def facts_of(error):
    kind = type(error)
    return kind, error.args, vars(error), kind.retryable, kind.outcome


@pytest.mark.parametrize("answer", NOWHERE.values(), ids=NOWHERE)
def test_a_name_that_is_denied_and_one_that_does_not_exist_have_the_same_error(
    shell, names, answer
):
    names.answers(HOST, answer)
    resolver = resolver_of(shell, f"https://{HOST}")
    error = error_of(shell.call, resolver.resolve, "ref-1")

    assert facts_of(error) == facts_of(NetworkPolicy().refusal())
    assert error.retryable is False


@pytest.mark.parametrize("answer", NOWHERE.values(), ids=NOWHERE)
def test_a_name_that_is_denied_and_one_that_does_not_exist_have_the_same_report(
    shell, names, answer
):
    """
    Without a duration, too: a name that is known is known at once.
    """
    names.answers(HOST, answer)
    names.answers("unknown.customer.example", NOWHERE["does not exist"])
    reports = [
        shell.call(resolver_of(shell, f"https://{host}", name="contacts").check, "ref-1")
        for host in (HOST, "unknown.customer.example")
    ]

    assert reports[0].to_dict() == reports[1].to_dict()
    assert str(reports[0]) == str(reports[1])
    assert reports[0]._repr_html_() == reports[1]._repr_html_()
    assert {step["seconds"] for step in reports[0].to_dict()["steps"]} == {None}


def test_a_report_does_not_tell_how_long_a_look_up_took(shell, names):
    names.answers(HOST, ["127.0.0.2"])
    with socket.socket() as unused:  # nobody listens at its port
        unused.bind(("127.0.0.1", 0))
        resolver = resolver_of(
            shell,
            f"http://{HOST}:{unused.getsockname()[1]}",
            network=BESIDE_INSIDE,
            retry=RetryPolicy.never(),
        )
        report = shell.call(resolver.check, "ref-1")
    steps = {step.name: step for step in report.steps}

    assert (steps["destination"].state, steps["connect"].state) == ("ok", "failed")
    assert steps["destination"].seconds is None


@pytest.mark.parametrize("answer", NOWHERE.values(), ids=NOWHERE)
def test_a_name_that_is_denied_and_one_that_does_not_exist_have_the_same_receipt(
    shell, names, answer
):
    names.answers(HOST, answer)
    dispatcher = shell.Dispatcher(resolver_of(shell, f"https://{HOST}"), shell.RecordingSender())
    invitation = Invitation(survey_id="s", channel="email", subject="?", text="How was it?")
    receipt = shell.call(dispatcher.send, "ref-1", invitation)

    assert (receipt.outcome, receipt.detail) == ("refused", "destination")
    assert receipt.retry_after is None


# By a redirect.

REDIRECTS = ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]


def redirecting(status, location):
    return Server(status=status, head=[f"Location: {location}"])


@pytest.mark.parametrize("status", REDIRECTS)
def test_a_redirect_inside_is_not_followed(shell, inside, status):
    with redirecting(status, inside.origin) as outside:
        resolver = resolver_of(shell, outside.origin, network=NetworkPolicy.for_loopback())
        with pytest.raises(CareofError):
            shell.call(resolver.resolve, "ref-1")

    assert (outside.connections, inside.connections) == (1, 0)


@pytest.mark.parametrize("status", REDIRECTS)
def test_a_redirect_of_the_token_endpoint_is_not_followed(shell, inside, status):
    with redirecting(status, inside.origin) as tokens, Server() as endpoint:
        auth = TokenEndpointAuth(tokens.origin + "/token", cache=MemoryTokenCache())
        resolver = resolver_of(
            shell, endpoint.origin, auth=auth, network=NetworkPolicy.for_loopback()
        )
        with pytest.raises(CareofError) as caught:
            shell.call(resolver.resolve, "ref-1")

    assert caught.value.step == "token"
    assert (tokens.connections, inside.connections, endpoint.connections) == (1, 0, 0)


# By a proxy.


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("no_proxy", [None, "", "customer.example"])
def test_a_proxy_of_the_environment_is_not_asked(shell, monkeypatch, tls, no_proxy):
    served = certificate("127.0.0.1") if tls else None
    with Server() as proxy, Server(tls=served) as endpoint, Server(tls=served) as tokens:
        tokens.body = TOKEN
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.origin)
            monkeypatch.setenv(name.lower(), proxy.origin)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
            if no_proxy is not None:
                monkeypatch.setenv(name, no_proxy)
        resolver = resolver_of(
            shell,
            endpoint.origin,
            auth=TokenEndpointAuth(tokens.origin + "/token", cache=MemoryTokenCache()),
            network=NetworkPolicy.for_loopback(),
            ssl_context=trusting(),
        )
        shell.call(resolver.resolve, "ref-1")

    assert (proxy.connections, endpoint.connections, tokens.connections) == (0, 1, 1)


# By the token endpoint.

STRATEGIES = {
    "any": lambda url: TokenEndpointAuth(url, cache=MemoryTokenCache()),
    "OAuth 2.0": lambda url: OAuth2ClientCredentials(
        url, "id", "secret", cache=MemoryTokenCache()
    ),
}


@pytest.fixture(params=STRATEGIES.values(), ids=STRATEGIES)
def strategy(request):
    return request.param


def token_error(shell, strategy, url):
    """
    The error of a lookup whose contact endpoint is fine, and whose token endpoint is *url*.
    """
    resolver = resolver_of(shell, "http://127.0.0.2:9", auth=strategy(url), network=BESIDE_INSIDE)
    return error_of(shell.call, resolver.resolve, "ref-1")


@pytest.mark.parametrize("host", ["127.0.0.1", f"[{MAPPED}]", "[::1]", "localhost", "2130706433"])
def test_a_token_endpoint_that_points_inside_is_refused(shell, strategy, inside, host):
    error = token_error(shell, strategy, f"http://{host}:{inside.port}/token")

    assert (type(error), error.args) == (DestinationRefusedError, BESIDE_INSIDE.refusal().args)
    assert (error.step, error.detail) == ("token", "destination")
    assert inside.connections == 0


@pytest.mark.parametrize(
    "answer", [["127.0.0.1"], ["127.0.0.2", "127.0.0.1"], [MAPPED], ["fe80::1%eth0"], []]
)
def test_a_token_endpoint_whose_name_points_inside_is_refused(
    shell, strategy, names, inside, answer
):
    names.answers(TOKENS, answer)
    error = token_error(shell, strategy, f"http://{TOKENS}:{inside.port}/token")

    assert (type(error), error.args) == (DestinationRefusedError, BESIDE_INSIDE.refusal().args)
    assert (error.step, error.detail) == ("token", "destination")
    assert names.asked == [TOKENS]
    assert inside.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/token",  # without TLS
        "https://localhost:{port}/token",  # an inner name of an address that is open
        "https://user@127.0.0.1:{port}/token",
        "https://127.0.0.1:{port}/token#fragment",
    ],
)
def test_the_url_of_a_token_endpoint_is_judged_as_any(shell, inside, url):
    """
    Where its address is allowed, and nothing but the URL is wrong.  A strategy of a
    host's own may ask wherever it likes.
    """

    class Voucher(TokenAuth):
        def token_request(self):
            return httpx.Request("POST", url.format(port=inside.port))

        def read_token(self, response):
            raise NotImplementedError

    resolver = resolver_of(
        shell,
        "https://127.0.0.1:9",
        auth=Voucher(cache=MemoryTokenCache()),
        network=NetworkPolicy(ports=None, allow_networks=["127.0.0.1/32"]),
    )
    error = error_of(shell.call, resolver.resolve, "ref-1")

    assert (type(error), error.step) == (DestinationRefusedError, "token")
    assert inside.connections == 0


def test_the_token_request_goes_to_the_address_that_was_judged(shell, strategy, names, inside):
    names.answers(TOKENS, ["127.0.0.1"], ["169.254.169.254"])
    with Server() as endpoint:
        resolver = resolver_of(
            shell,
            endpoint.origin,
            auth=strategy(f"http://{TOKENS}:{inside.port}/token"),
            network=opening("127.0.0.1/32"),
        )
        shell.call(resolver.resolve, "ref-1")

    assert names.asked == [TOKENS]
    assert (inside.connections, endpoint.connections) == (1, 1)
