from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
import time

import pytest

from careof._network.connection import CHUNK, Connection, connect_any
from careof._network.limits import Deadline
from careof._values.clock import SYSTEM_CLOCK
from careof.testing import FakeClock
from tests.support.server import BODY, Server, certificate, trusting
from tests.support.steps import driven
from tests.support.streams import (
    Half,
    cut_pair,
    fill,
    is_at_its_end,
    plain_pair,
    reset,
    talkative,
    tcp_pair,
    tls_pair,
    waits_in_the_kernel,
)

REQUEST = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"

versions = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
both_pairs = pytest.mark.parametrize("pair", [plain_pair, tls_pair])


def within(seconds):
    return Deadline(SYSTEM_CLOCK, seconds)


def everything_received(connection):
    received = b""
    while data := (yield from connection.receive(within(5))):
        received += data
    return received


def asked(port, context=None, host="127.0.0.1", found=("127.0.0.1",)):
    connection = yield from Connection.open(list(found), port, within(5))
    try:
        if context is not None:
            yield from connection.start_tls(context, host, within(5))
        yield from connection.send(REQUEST, within(5))
        return (yield from everything_received(connection))
    finally:
        connection.close()


# A question and its answer


def test_what_is_sent_arrives_and_the_answer_comes_to_its_end(shell):
    with Server() as server:
        received = driven(shell, asked(server.port))

    assert received.endswith(BODY)
    assert server.requests == [REQUEST]


def test_the_same_goes_through_tls(shell):
    with Server(tls=certificate("127.0.0.1")) as server:
        received = driven(shell, asked(server.port, trusting()))

    assert received.endswith(BODY)
    assert server.requests == [REQUEST]


def test_the_other_side_must_be_the_host_that_was_meant(shell):
    with Server(tls=certificate("127.0.0.1")) as server, pytest.raises(ssl.SSLError):
        driven(shell, asked(server.port, trusting(), "other.example"))

    assert server.requests == []


def test_a_name_with_a_dot_at_its_end_is_the_same_host(shell):
    """
    A certificate and SNI (RFC 6066 §3) have the name without it.
    """
    with Server(tls=certificate("contacts.example")) as server:
        received = driven(shell, asked(server.port, trusting(), "contacts.example."))

    assert received.endswith(BODY)


def test_an_answer_that_comes_byte_by_byte_comes_whole(shell):
    with Server("byte_by_byte", tls=certificate("127.0.0.1")) as server:
        received = driven(shell, asked(server.port, trusting()))

    assert received.endswith(BODY)


@both_pairs
def test_one_connection_may_live_in_one_loop_after_another(shell, pair):
    with pair() as (connection, theirs):
        for letter in (b"a", b"b"):
            driven(shell, connection.send(letter, within(5)))
            theirs.sendall(theirs.recv(1) + b"!")

            assert driven(shell, connection.receive(within(5))) == letter + b"!"


@both_pairs
def test_large_data_goes_to_a_slow_reader_whole(shell, pair):
    """
    The kernel takes it in parts, whose ends are nobody's choice.
    """
    data = bytes(range(251)) * 8000
    received = bytearray()

    def read():
        while len(received) < len(data):
            received.extend(theirs.recv(50_000))

    with pair(buffer=16_384) as (connection, theirs):
        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        driven(shell, connection.send(data, within(10)))
        reader.join(10)

    assert bytes(received) == data


def test_nothing_is_sent_without_a_wait(shell):
    with tcp_pair() as (ours, theirs):
        driven(shell, Connection(ours, 0).send(b"", within(0)))
        ours.close()

        assert is_at_its_end(theirs)


def test_what_tls_has_already_is_received_at_once(shell):
    """
    It makes no socket ready: whoever waits for that waits for ever.
    """
    with tls_pair() as (connection, theirs):
        theirs.sendall(b"the first record")
        theirs.sendall(b"the second")
        arrived_within(connection._stream, 26)
        first = driven(shell, connection.receive(within(5)))
        second = driven(shell, connection.receive(within(0)))

    assert (first, second) == (b"the first record", b"the second")


def test_at_most_a_chunk_is_received_at_once(shell):
    with tcp_pair() as (ours, theirs):
        theirs.setblocking(False)
        fill(theirs)

        assert len(driven(shell, Connection(ours, 0).receive(within(5)))) <= CHUNK


@both_pairs
def test_a_stream_that_ends_brings_no_bytes(shell, pair):
    """
    Most servers of TLS close without a word.
    """
    with pair() as (connection, theirs):
        theirs.close()

        assert driven(shell, connection.receive(within(5))) == b""


def test_a_stream_that_ends_with_a_goodbye_brings_no_bytes(shell):
    with tls_pair() as (connection, theirs):
        farewell(theirs)

        assert driven(shell, connection.receive(within(5))) == b""


def test_a_reset_is_an_error_and_no_end(shell):
    with tcp_pair() as (ours, theirs):
        ours.send(b"not read there")
        reset(theirs)

        with pytest.raises(OSError, match="reset"):
            driven(shell, Connection(ours, 0).receive(within(5)))


# Opening


def test_where_nobody_listens_there_is_no_connection(shell):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(ConnectionError):
        driven(shell, Connection.open(["127.0.0.1"], port, within(5)))


def test_an_address_that_cannot_be_reached_is_no_connection(shell):
    """
    The kernel says so at once, not when it is asked again.
    """
    with pytest.raises(ConnectionError):
        driven(shell, Connection.open(["255.255.255.255"], 1, within(5)))


def test_the_addresses_are_tried_in_their_order(shell):
    with Server() as server:
        driven(shell, asked(server.port, found=["127.0.0.2", "127.0.0.1", "127.0.0.3"]))

    assert server.connections == 1


def test_an_address_of_ipv6_has_a_socket_of_ipv6_and_may_be_spelt_in_two_ways(shell, monkeypatch):
    """
    Pretended: not every machine speaks it.
    """
    dialled = []

    class Six(socket.socket):
        def __init__(self, family=-1, *rest, **options):
            self.is_six = family == socket.AF_INET6
            super().__init__(socket.AF_INET if self.is_six else family, *rest, **options)

        def connect_ex(self, address):
            dialled.append((self.is_six, address[0]))
            return super().connect_ex(("127.0.0.1", address[1]))

        def getpeername(self):
            return ("::1", 80, 0, 0)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        monkeypatch.setattr(socket, "socket", Six)
        driven(shell, Connection.open(["0:0:0:0:0:0:0:1"], port, within(5))).close()

    assert dialled == [(True, "0:0:0:0:0:0:0:1")]


def test_a_connection_knows_when_it_was_opened():
    clock = FakeClock()
    clock.advance(5)
    with Server() as server:
        steps = Connection.open(["127.0.0.1"], server.port, Deadline(clock, 5))
        # By hand: the seconds that a fake clock leaves are real ones.
        wait = next(steps)
        clock.advance(2)
        with pytest.raises(StopIteration) as end:
            steps.send(wait.block())
        end.value.value.close()

    assert end.value.value.opened == clock.monotonic()


@pytest.fixture
def sockets(monkeypatch):
    """
    Every socket that is made from now on.
    """
    made = []

    class Noted(socket.socket):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            made.append(self)

    monkeypatch.setattr(socket, "socket", Noted)
    return made


def are_closed(sockets):
    return bool(sockets) and all(stream.fileno() == -1 for stream in sockets)


def test_a_small_question_waits_for_no_more_to_send():
    with Server() as server, connect_any(["127.0.0.1"], server.port, within(5)) as stream:
        assert stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


@pytest.fixture
def deaf():
    """
    The port of a listener at 127.0.0.2 that answers no SYN: its queue is full.
    """
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.2", 0), backlog=0))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def test_an_address_that_is_silent_leaves_time_for_the_next_one(shell, deaf):
    with socket.create_server(("127.0.0.1", deaf)) as listener:
        driven(shell, Connection.open(["127.0.0.2", "127.0.0.1"], deaf, within(1))).close()
        listener.settimeout(5)
        stream, _ = listener.accept()
        stream.close()


def test_a_socket_that_takes_too_long_to_connect_is_closed(shell, deaf, sockets):
    with pytest.raises(TimeoutError):
        driven(shell, Connection.open(["127.0.0.2"], deaf, within(0.05)))

    assert are_closed(sockets)


@pytest.mark.parametrize("address", ["127.0.0.1", "255.255.255.255"])
def test_a_socket_that_takes_no_connection_is_closed(shell, deaf, sockets, address):
    with pytest.raises(ConnectionError):
        driven(shell, Connection.open([address], deaf, within(5)))

    assert are_closed(sockets)


def test_a_socket_is_closed_when_whoever_waits_for_it_gives_up(deaf, sockets):
    steps = Connection.open(["127.0.0.2"], deaf, within(5))
    next(steps)
    steps.close()

    assert are_closed(sockets)


def test_a_socket_is_closed_when_control_c_comes_while_it_connects(deaf, sockets):
    steps = Connection.open(["127.0.0.2"], deaf, within(5))
    next(steps)
    with pytest.raises(KeyboardInterrupt):
        steps.throw(KeyboardInterrupt())

    assert are_closed(sockets)


def test_who_answers_must_be_the_address_that_was_judged(shell, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setattr(socket.socket, "getpeername", lambda _: ("127.0.0.9", 80))
        with pytest.raises(ConnectionError):
            driven(shell, Connection.open(["127.0.0.1"], listener.getsockname()[1], within(5)))
        accepted, _ = listener.accept()
        with accepted:
            accepted.settimeout(5)

            assert accepted.recv(1) == b""


def test_a_peer_that_is_gone_already_is_no_connection(shell, monkeypatch, sockets):
    def getpeername(_):
        raise OSError("not connected")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        sockets.clear()
        monkeypatch.setattr(socket.socket, "getpeername", getpeername)
        with pytest.raises(OSError, match="not connected"):
            driven(shell, Connection.open(["127.0.0.1"], port, within(5)))

        assert are_closed(sockets)


def test_where_one_peer_is_another_the_next_address_is_tried(shell, monkeypatch):
    really = socket.socket.getpeername
    peers = [("127.0.0.9", 80)]
    with Server() as server:
        monkeypatch.setattr(
            socket.socket, "getpeername", lambda it: peers.pop() if peers else really(it)
        )
        driven(shell, asked(server.port, found=["127.0.0.1", "127.0.0.1"]))

    assert server.connections == 2
    assert server.requests == [REQUEST]


def test_a_blocking_socket_is_connected_for_those_who_speak_another_protocol():
    with Server() as server, connect_any(["127.0.0.2", "127.0.0.1"], server.port, within(5)) as it:
        it.sendall(REQUEST)

        assert it.gettimeout() is None
        assert it.recv(12) == b"HTTP/1.1 200"


def test_a_blocking_socket_is_not_waited_for_longer_than_the_deadline(deaf):
    with pytest.raises(TimeoutError):
        connect_any(["127.0.0.2"], deaf, within(0.05))


# The deadline


def late_to_open(port):
    yield from Connection.open(["127.0.0.1"], port, within(0))


def opened(port):
    return (yield from Connection.open(["127.0.0.1"], port, within(5)))


def late_to_receive(port):
    with contextlib.closing((yield from opened(port))) as connection:
        yield from connection.receive(within(0))


def late_to_shake_hands(port):
    with contextlib.closing((yield from opened(port))) as connection:
        yield from connection.start_tls(trusting(), "127.0.0.1", within(0))


def receives_nothing(port):
    with contextlib.closing((yield from opened(port))) as connection:
        yield from connection.receive(within(0.1))


def is_not_read(port):
    with contextlib.closing((yield from opened(port))) as connection:
        yield from connection.send(b" " * 50_000_000, within(0.1))


def meets_no_handshake(port):
    with contextlib.closing((yield from opened(port))) as connection:
        yield from connection.start_tls(trusting(), "127.0.0.1", within(0.1))


@pytest.mark.parametrize(
    "story",
    [
        late_to_open,
        late_to_receive,
        late_to_shake_hands,
        receives_nothing,
        is_not_read,
        meets_no_handshake,
    ],
)
def test_no_wait_is_longer_than_its_deadline(shell, story, sockets):
    with Server("no_handshake", tls=certificate("127.0.0.1")) as server:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            driven(shell, story(server.port))
        lasted = time.monotonic() - began

    assert lasted < 3
    assert are_closed(sockets)


def test_a_handshake_that_drips_keeps_its_deadline(shell):
    with Server("dripped_handshake", tls=certificate("127.0.0.1")) as server:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            driven(shell, dripped(server.port))
        lasted = time.monotonic() - began

    assert lasted < 3


def dripped(port):
    with contextlib.closing((yield from opened(port))) as connection:
        yield from connection.start_tls(trusting(), "127.0.0.1", within(0.2))


# What a socket wishes for, though it said that it was ready


class Wishing(socket.socket):
    """
    A socket that once would block, whatever is asked of it.
    """

    wish = None

    def _heed(self):
        wish, self.wish = self.wish, None
        if wish is not None:
            raise wish

    def recv(self, size):
        self._heed()
        return super().recv(size)

    def send(self, data):
        self._heed()
        return super().send(data)


@pytest.fixture
def wishing():
    """
    A connection whose socket can only be read, or only be written; and that socket.
    """
    with contextlib.ExitStack() as stack:

        def build(*, readable):
            ours, theirs = stack.enter_context(tcp_pair())
            stream = stack.enter_context(Wishing(fileno=ours.detach()))
            stream.setblocking(False)
            if readable:
                fill(stream)
                theirs.send(b"x")
            stream.wish = BlockingIOError()
            return Connection(stream, 0), stream

        yield build


def handshake(connection, deadline):
    return connection.start_tls(trusting(), "a.example", deadline)


def receiving(connection, deadline):
    return connection.receive(deadline)


def sending(connection, deadline):
    return connection.send(b"x", deadline)


@pytest.mark.parametrize("story", [handshake, sending])
def test_to_send_it_waits_for_room_and_not_for_bytes(shell, wishing, story):
    connection, stream = wishing(readable=True)
    with pytest.raises(TimeoutError):
        driven(shell, story(connection, within(0.02)))

    assert stream.wish is None


def test_to_receive_it_waits_for_bytes_and_not_for_room(shell, wishing):
    connection, stream = wishing(readable=False)
    with pytest.raises(TimeoutError):
        driven(shell, receiving(connection, within(0.02)))

    assert isinstance(stream.wish, BlockingIOError)


@pytest.mark.parametrize("story, readable", [(receiving, True), (sending, False)])
def test_it_goes_on_when_the_wish_is_fulfilled(shell, wishing, story, readable):
    connection, stream = wishing(readable=readable)
    driven(shell, story(connection, within(5)))

    assert stream.wish is None


# What TLS has to say of its own


def test_settings_that_cannot_be_used_send_nothing(shell):
    with plain_pair() as (connection, theirs):
        with pytest.raises(ValueError, match="server_hostname"):
            driven(shell, connection.start_tls(trusting(), "", within(5)))
        connection.close()

        assert is_at_its_end(theirs)


@versions
@pytest.mark.parametrize(
    "context, host",
    [
        (trusting, "other.example"),
        (lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "127.0.0.1"),
    ],
)
def test_a_certificate_that_is_refused_is_told_why(shell, version, context, host):
    """
    Whoever runs the server finds the reason in its log, and not only a reset.
    """
    seen = []

    def accept():
        try:
            certificate("127.0.0.1").wrap_socket(theirs, server_side=True)
        except OSError as error:
            seen.append(error)

    with plain_pair() as (connection, theirs):
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        refusing = context()
        refusing.maximum_version = version
        with pytest.raises(ssl.SSLCertVerificationError):
            driven(shell, connection.start_tls(refusing, host, within(5)))
        connection.close()
        thread.join(5)

    assert "ALERT" in seen[0].reason


class Deafened(socket.socket):
    """
    A socket that can be read, but not be written a second time.
    """

    words = 1

    def send(self, data):
        if not self.words:
            raise BlockingIOError
        self.words -= 1
        return super().send(data)


def test_an_alert_that_cannot_be_said_at_once_is_not_waited_for():
    half = Half()
    with tcp_pair() as (ours, theirs), Deafened(fileno=ours.detach()) as stream:
        stream.setblocking(False)
        steps = Connection(stream, 0).start_tls(trusting(), "other.example", within(5))
        wait = next(steps)
        theirs.sendall(half.replies(theirs.recv(65_536)))

        with pytest.raises(ssl.SSLCertVerificationError):
            steps.send(wait.block())


def test_what_tls_is_asked_while_we_wait_is_answered(shell):
    """
    Here for a certificate of ours; in a change of keys it is the same.
    """
    client, server = trusting(), talkative()
    client.post_handshake_auth = True
    server.verify_mode = ssl.CERT_OPTIONAL
    with cut_pair(client=client, context=server) as (connection, theirs, half, rest):
        theirs.sendall(rest + half.asks_for_a_certificate())
        with pytest.raises(TimeoutError):
            driven(shell, connection.receive(within(0.1)))
        half.replies(theirs.recv(65_536))
        theirs.sendall(half.sealed(b"thanks"))

        assert driven(shell, connection.receive(within(5))) == b"thanks"


# What TLS says without end


@pytest.fixture
def flooded():
    """
    A connection over which as much has come as the kernel takes, and all of it tickets.
    """
    with cut_pair(context=talkative(20_000)) as (connection, theirs, _, tickets):
        theirs.setblocking(False)
        theirs.send(tickets)
        arrived_within(connection._stream, 2 * CHUNK)
        yield connection


def test_tickets_without_end_are_not_read_for_ever(shell, flooded):
    with pytest.raises(ConnectionError):
        driven(shell, flooded.receive(within(5)))


def test_some_tickets_do_no_harm(shell):
    with cut_pair(context=talkative(100)) as (connection, theirs, half, tickets):
        theirs.sendall(tickets + half.sealed(b"the answer"))

        assert driven(shell, connection.receive(within(5))) == b"the answer"


def test_between_two_pieces_of_tickets_somebody_looks_at_the_clock(flooded):
    clock = FakeClock()
    steps = flooded.receive(Deadline(clock, 5))
    wait = steps.send(next(steps).block())
    clock.advance(6)

    with pytest.raises(TimeoutError):
        steps.send(wait.block())


# Whether it is quiet


@both_pairs
def test_a_connection_over_which_nothing_came_is_quiet(pair):
    with pair() as (connection, _):
        assert connection.is_quiet()


def test_to_look_whether_a_connection_is_quiet_does_not_wait_or_harm(shell):
    with tls_pair() as (connection, theirs):
        looks = [connection.is_quiet(), connection.is_quiet()]
        theirs.sendall(b"answer")

        assert looks == [True, True]
        assert driven(shell, connection.receive(within(5))) == b"answer"


def arrived_within(stream, size, patience=5):
    until = time.monotonic() + patience
    while waits_in_the_kernel(stream) < size:
        assert time.monotonic() < until


def a_byte(theirs):
    theirs.sendall(b"x")


def the_end(theirs):
    theirs.close()


def farewell(theirs):
    # Says close_notify, and does not wait for ours.
    theirs.setblocking(False)
    with contextlib.suppress(ssl.SSLWantReadError):
        theirs.unwrap()


def clear_text(theirs):
    with socket.socket(fileno=theirs.detach()) as plain:
        plain.sendall(b"HTTP/1.1 200 OK\r\n\r\n")


@pytest.mark.parametrize(
    "pair, story",
    [
        (plain_pair, a_byte),
        (plain_pair, the_end),
        (plain_pair, reset),
        (tls_pair, a_byte),
        (tls_pair, the_end),
        (tls_pair, reset),
        (tls_pair, farewell),
        (tls_pair, clear_text),
    ],
)
def test_a_connection_over_which_anything_came_is_not_quiet(pair, story):
    with pair() as (connection, theirs):
        story(theirs)
        select.select([connection._stream], [], [], 5)

        assert not connection.is_quiet()


def test_session_tickets_that_come_before_an_answer_are_no_second_one(shell):
    with cut_pair() as (connection, theirs, half, tickets):
        theirs.sendall(tickets + half.sealed(b"the answer"))
        answer = driven(shell, connection.receive(within(5)))

        assert (answer, connection.is_quiet()) == (b"the answer", True)


def test_session_tickets_that_come_behind_a_handshake_are_no_answer(shell):
    """
    A connection that a probe has opened meets them in the kernel.
    """
    with cut_pair() as (connection, theirs, half, tickets):
        theirs.sendall(tickets)
        arrived_within(connection._stream, len(tickets))
        looks = [connection.is_quiet(), connection.is_quiet()]
        theirs.sendall(half.sealed(b"the answer"))

        assert looks == [True, True]
        assert driven(shell, connection.receive(within(5))) == b"the answer"


def test_an_answer_behind_session_tickets_is_seen():
    with cut_pair() as (connection, theirs, half, tickets):
        theirs.sendall(tickets + half.sealed(b"x"))
        arrived_within(connection._stream, len(tickets) + 1)

        assert not connection.is_quiet()


def test_a_connection_over_which_more_came_than_is_read_at_once_is_not_quiet():
    """
    A piece that ends where a record ends does not tell that nothing follows.
    """
    with tls_pair() as (connection, theirs):
        connection._tls = Quiet()
        with socket.socket(fileno=theirs.detach()) as plain:
            plain.sendall(b"x" * CHUNK)
            arrived_within(connection._stream, CHUNK)

            assert not connection.is_quiet()


class Quiet:
    """
    TLS that takes anything for a ticket.
    """

    def feed(self, data):
        pass

    def is_quiet(self):
        return True


@versions
def test_a_second_record_that_comes_later_is_seen(shell, version):
    with tls_pair(version) as (connection, theirs):
        theirs.sendall(b"the answer")
        answer = driven(shell, connection.receive(within(5)))
        theirs.sendall(b"one more")
        select.select([connection._stream], [], [], 5)

        assert answer == b"the answer"
        assert not connection.is_quiet()


# Of a record: a part of its header, half of its body, all of it.
cuts = pytest.mark.parametrize("end", [3, 5, 200, None])


@versions
@cuts
def test_what_came_with_an_answer_is_seen_though_it_is_a_part_of_a_record(shell, version, end):
    with cut_pair(version) as (connection, theirs, half, rest):
        piece = rest + half.sealed(b"the answer") + half.sealed(b"x" * 400)[:end]
        theirs.sendall(piece)
        arrived_within(connection._stream, len(piece))
        answer = driven(shell, connection.receive(within(5)))

        assert answer == b"the answer"
        assert not connection.is_quiet()


@versions
@cuts
def test_what_came_since_is_seen_though_it_is_a_part_of_a_record(version, end):
    with cut_pair(version) as (connection, theirs, half, rest):
        piece = rest + half.sealed(b"x" * 400)[:end]
        theirs.sendall(piece)
        arrived_within(connection._stream, len(piece))

        assert not connection.is_quiet()


def test_a_connection_that_was_closed_is_not_quiet():
    with plain_pair() as (connection, _):
        connection.close()

        assert not connection.is_quiet()


@both_pairs
def test_what_is_closed_is_closed_for_the_other_side(pair):
    with pair() as (connection, theirs):
        connection.close()

        assert is_at_its_end(theirs)
