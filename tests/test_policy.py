from __future__ import annotations

import contextlib
import ipaddress
import traceback
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from careof import NetworkPolicy
from careof._network.policy import port_of
from careof.errors import ConfigurationError, DestinationRefusedError
from tests.support.canary import frames_of
from tests.support.destinations import (
    ALLOWED_ADDRESSES,
    ALLOWED_URLS,
    PUBLIC_NAMES_OF_INNER_ADDRESSES,
    REFUSED_ADDRESSES,
    REFUSED_URLS,
    H,
    rows,
    values,
)
from tests.support.raising import error_of

TABLES = [ALLOWED_URLS, REFUSED_URLS, ALLOWED_ADDRESSES, REFUSED_ADDRESSES]


def refusal_of(function, *arguments):
    """
    The refusal by *function*, with the frames of the library alone.
    """
    error = error_of(function, *arguments)
    assert type(error) is DestinationRefusedError
    return error


@pytest.mark.parametrize("url", rows(ALLOWED_URLS))
def test_a_public_https_url_is_allowed(url):
    assert NetworkPolicy().check_url(url) is None


@pytest.mark.parametrize("url", rows(REFUSED_URLS))
def test_any_other_url_is_refused(url):
    with pytest.raises(DestinationRefusedError):
        NetworkPolicy().check_url(url)


@pytest.mark.parametrize("thing", [None, 5, b"https://contacts.customer.example/", object()])
def test_what_is_no_url_is_refused(thing):
    with pytest.raises(DestinationRefusedError):
        NetworkPolicy().check_url(thing)


@pytest.mark.parametrize("address", rows(ALLOWED_ADDRESSES))
def test_a_public_address_is_allowed(address):
    assert NetworkPolicy().check_address(address) is None


@pytest.mark.parametrize("address", rows(REFUSED_ADDRESSES))
def test_a_special_address_is_refused(address):
    with pytest.raises(DestinationRefusedError):
        NetworkPolicy().check_address(address)


@pytest.mark.parametrize("thing", [None, 134744072, b"\x08\x08\x08\x08", (8, 8, 8, 8), object()])
def test_what_no_look_up_answers_is_no_address(thing):
    """
    8.8.8.8 as a number and as bytes, which ``ipaddress`` takes.
    """
    with pytest.raises(DestinationRefusedError):
        NetworkPolicy().check_address(thing)


def test_an_address_may_be_an_object():
    assert NetworkPolicy().allows_address(ipaddress.ip_address("8.8.8.8"))
    assert not NetworkPolicy().allows_address(ipaddress.ip_address("fe80::1%eth0"))


@pytest.mark.parametrize("table", TABLES, ids=["urls", "no urls", "addresses", "no addresses"])
def test_no_destination_stands_in_a_table_twice(table):
    assert sorted(values(table)) == sorted(set(values(table)))


@pytest.mark.parametrize("name", PUBLIC_NAMES_OF_INNER_ADDRESSES)
def test_what_looks_public_is_judged_by_its_addresses(name):
    policy = NetworkPolicy()

    assert policy.allows_url(httpx.URL(f"https://{name}/"))
    assert not policy.allows_address(PUBLIC_NAMES_OF_INNER_ADDRESSES[name])


# What is dialled is what httpx read.  So of an object only that is judged, and of a
# text that it reads so to everybody.
@pytest.mark.parametrize(
    "text", ["https://[2606:4700:4700::1111]443/", "https://8。8。8。8/", "https://@8.8.8.8/"]
)
def test_a_url_that_was_read_already_has_one_reading(text):
    assert NetworkPolicy().check_url(httpx.URL(text)) is None
    with pytest.raises(DestinationRefusedError):
        NetworkPolicy().check_url(text)


@pytest.mark.parametrize(
    "url", ["https://user@8.8.8.8/", "https://user:password@8.8.8.8/", "https://8.8.8.8/#fragment"]
)
def test_a_url_that_was_read_already_has_no_user_and_no_fragment(url):
    assert not NetworkPolicy().allows_url(httpx.URL(url))


@pytest.mark.parametrize("port", [0, 65_536, 65_979, 2**32 + 443])
def test_every_port_means_every_port_that_there_is(port):
    """
    Some systems cut what is larger to 16 bits.
    """
    policy = NetworkPolicy(ports=None)

    assert policy.allows_url(httpx.URL("https://8.8.8.8:65535/"))
    assert not policy.allows_url(httpx.URL(f"https://8.8.8.8:{port}/"))


def test_no_spelling_of_a_refused_url_leads_inside_once_it_is_read():
    """
    Resolvers judge URLs that were read.  What a text hides from one reader only is
    public by then.
    """
    hosts = set()
    for url in values(REFUSED_URLS):
        with contextlib.suppress(httpx.InvalidURL, UnicodeError):
            read = httpx.URL(url)
            if NetworkPolicy().allows_url(read):
                hosts.add(read.raw_host.decode())

    assert hosts == {
        H,
        f"{H}.",
        "2606:4700:4700::1111",
        "8.8.8.8",
        "kunde.example",
        "www.kunde.example",
        "xn--bcher-kva.example",
    }


addresses = st.one_of(
    st.ip_addresses(),
    st.sampled_from([4, 6]).flatmap(
        lambda version: st.builds(
            {4: ipaddress.IPv4Address, 6: ipaddress.IPv6Address}[version],
            st.integers(0, 2 ** {4: 32, 6: 128}[version] - 1),
        )
    ),
)


@given(addresses)
@example(ipaddress.ip_address("192.0.0.8"))
@example(ipaddress.ip_address("2001:2::1"))
def test_what_the_standard_library_calls_special_is_never_allowed(address):
    special = not address.is_global or address.is_multicast or address.is_reserved

    assert not (special and NetworkPolicy().allows_address(address))


@given(st.ip_addresses(v=4), st.sampled_from(["::", "::ffff:0:0", "64:ff9b::", "2002::"]))
def test_no_ipv4_address_is_reached_through_an_ipv6_one(inner, prefix):
    shift = 80 if prefix == "2002::" else 0
    address = ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) | int(inner) << shift)

    assert not NetworkPolicy().allows_address(address)


@given(st.text())
def test_no_text_makes_the_policy_fail_in_another_way(text):
    for url in (text, f"https://{text}/", f"https://a.example{text}"):
        try:
            NetworkPolicy().check_url(url)
        except DestinationRefusedError:
            continue
        assert httpx.URL(url).scheme == "https"


REFUSALS = [
    *(("check_url", url) for url in values(REFUSED_URLS)),
    *(("check_address", address) for address in values(REFUSED_ADDRESSES)),
]


@given(st.text("aA1.:/@?#[]%\\-_ \t\n\x00。１Ⓐ\u212a\u200dü", min_size=1, max_size=20))
@example("[2606:4700:4700::1111]443")
@example("a.example\\@1.1.1.1")
@example("1.1.1.1#@a.example")
@example("a.a:\uff11")
def test_what_is_allowed_is_read_alike_by_others(authority):
    url = f"https://{authority}/"
    try:
        NetworkPolicy(ports=None).check_url(url)
    except DestinationRefusedError:
        return
    ours, theirs = httpx.URL(url), urlsplit(url)

    assert theirs.username is theirs.password is None
    assert (theirs.port or 443) == port_of(ours)
    assert theirs.hostname.isascii() <= (theirs.hostname == ours.raw_host.decode())


def test_every_refusal_says_the_same_words():
    expected = NetworkPolicy().refusal()
    refusals = [refusal_of(getattr(NetworkPolicy(), check), row) for check, row in REFUSALS]

    assert {str(refusal) for refusal in refusals} == {str(expected)}
    assert [refusal for refusal in refusals if vars(refusal) != vars(expected)] == []
    assert [refusal for refusal in refusals if refusal.args != expected.args] == []


def seen_in_refusal(check, row):
    refusal = refusal_of(getattr(NetworkPolicy(), check), row)
    frames = traceback.TracebackException.from_exception(refusal, capture_locals=True)
    return "".join([*frames.format(), repr(vars(refusal)), repr(refusal.args)])


def test_no_refusal_holds_what_was_refused():
    """
    Not in its traceback with locals either.  A row that stands in the fixed words by
    itself, such as an empty text, cannot tell.
    """
    words = seen_in_refusal("check_url", "~") + seen_in_refusal("check_address", "~")
    rows_that_tell = [(check, row) for check, row in REFUSALS if row not in words]

    assert len(rows_that_tell) > len(REFUSALS) - 10
    assert [row for check, row in rows_that_tell if row in seen_in_refusal(check, row)] == []


@pytest.mark.parametrize(
    "check, row",
    [("check_url", "https://secret-tenant.example:port/"), ("check_address", "no address")],
)
def test_a_refusal_keeps_no_error_of_the_parsers(check, row):
    refusal = refusal_of(getattr(NetworkPolicy(), check), row)

    assert refusal.__context__ is None
    assert set(frames_of(refusal)) == {check}


def test_a_refused_server_is_described_as_a_server_is_written():
    assert str(NetworkPolicy(ports={465, 587})._server_refusal()) == (
        "The destination is not allowed or does not exist. This NetworkPolicy allows "
        "port 465 and 587 of public hosts."
    )
    assert vars(NetworkPolicy()._server_refusal()) == vars(NetworkPolicy().refusal())


def test_http_is_allowed_where_the_policy_says_so():
    policy = NetworkPolicy(allow_http=True, ports={80, 443})

    assert policy.allows_url(httpx.URL("http://contacts.customer.example/"))


def test_http_on_its_usual_port_needs_that_port():
    policy = NetworkPolicy(allow_http=True)

    assert not policy.allows_url(httpx.URL("http://contacts.customer.example/"))


def test_more_ports_are_allowed_where_the_policy_names_them():
    policy = NetworkPolicy(ports=[443, 8443])

    assert policy.allows_url(httpx.URL("https://contacts.customer.example:8443/"))
    assert not policy.allows_url(httpx.URL("https://contacts.customer.example:8444/"))


def test_an_opened_network_is_allowed_and_its_neighbour_is_not():
    policy = NetworkPolicy(allow_networks=["10.1.0.0/16"])

    assert policy.allows_address("10.1.2.3")
    assert not policy.allows_address("10.2.2.3")


def test_an_opened_network_opens_no_other_spelling_of_its_addresses():
    policy = NetworkPolicy(allow_networks=["10.1.0.0/16"])

    assert not policy.allows_address("::ffff:10.1.2.3")


def test_an_opened_network_opens_its_addresses_with_a_zone():
    """
    Nothing else reaches a link-local address.
    """
    policy = NetworkPolicy(allow_networks=["fe80::/10"])

    assert policy.allows_address("fe80::1%eth0")
    assert not policy.allows_url(httpx.URL("https://[fe80::1%25eth0]/"))


def test_an_opened_network_opens_no_internal_name():
    policy = NetworkPolicy(allow_networks=["127.0.0.0/8"])

    assert not policy.allows_url(httpx.URL("https://localhost/"))


WHAT_NETWORKS_ARE = (
    'NetworkPolicy: allow_networks: expected a list of networks such as ["10.1.0.0/16"], '
    "without host bits."
)


@pytest.mark.parametrize(
    "networks",
    [
        "10.1.0.0/16",
        "",
        None,
        5,
        ["10.1.2.3/16"],
        ["inside"],
        [""],
        [None],
        [167772160],
        [b"\x7f\x00\x00\x01"],
        [("10.0.0.0", 8)],
        ipaddress.ip_network("10.1.0.0/16"),
    ],
)
def test_a_wrong_network_is_refused_when_the_policy_is_built(networks):
    with pytest.raises(ConfigurationError) as caught:
        NetworkPolicy(allow_networks=networks)

    assert str(caught.value) == WHAT_NETWORKS_ARE
    assert caught.value.__context__ is None


def test_a_network_may_be_an_object():
    policy = NetworkPolicy(allow_networks={ipaddress.ip_network("10.1.0.0/16")})

    assert policy.allows_address("10.1.2.3")


@pytest.mark.parametrize(
    "ports",
    [443, "443", b"443", {"443"}, {0, 443}, {-1}, {65_536}, {True}, {443.0}, [None], [[443]]],
)
def test_a_wrong_port_is_refused_when_the_policy_is_built(ports):
    with pytest.raises(ConfigurationError, match="NetworkPolicy: ports: expected a set") as caught:
        NetworkPolicy(ports=ports)

    assert caught.value.__context__ is None


@pytest.mark.parametrize("ports", [{443}, [443, 443], (1, 65_535), range(8000, 8010), frozenset()])
def test_any_collection_of_ports_will_do(ports):
    assert NetworkPolicy(ports=ports).ports == frozenset(ports)


@pytest.mark.parametrize("allow_http", ["false", 1, 0, None])
def test_clear_text_is_allowed_by_a_plain_yes_only(allow_http):
    with pytest.raises(ConfigurationError, match="NetworkPolicy: allow_http: expected True or"):
        NetworkPolicy(allow_http=allow_http)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/",
        "https://127.0.0.1/",
        "http://127.9.9.9/",
        "http://[::1]:8000/",
        "http://localhost:8000/",
        "http://localhost./",
    ],
)
def test_the_loopback_policy_allows_this_machine(url):
    assert NetworkPolicy.for_loopback().check_url(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://contacts.customer.example/",
        "https://8.8.8.8/",
        "http://10.0.0.1/",
        "http://169.254.169.254/",
        "http://[::ffff:127.0.0.1]/",
        "http://contacts.localhost/",
        "http://127.1/",
        "http://0.0.0.0/",
        "ftp://127.0.0.1/",
    ],
)
def test_the_loopback_policy_allows_nothing_else(url):
    with pytest.raises(DestinationRefusedError):
        NetworkPolicy.for_loopback().check_url(url)


@pytest.mark.parametrize(
    "url, port",
    [
        ("https://a.example/", 443),
        ("http://a.example/", 80),
        ("https://a.example:8443/", 8443),
        ("https://a.example:0/", 0),
    ],
)
def test_the_port_is_the_named_one_or_the_usual_one(url, port):
    assert port_of(httpx.URL(url)) == port
