from __future__ import annotations

import ssl

import pytest

from careof._network.records import RECORD, Records
from tests.support.server import certificate, trusting
from tests.support.streams import Half

versions = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])


def client(version=ssl.TLSVersion.TLSv1_3):
    context = trusting()
    context.maximum_version = version
    return context


def in_pieces(data, size):
    return [data[at : at + size] for at in range(0, len(data), size)]


def shaken(version=ssl.TLSVersion.TLSv1_3, *, host="127.0.0.1", size=RECORD):
    """
    Our records and the server's half, after a handshake that comes in pieces of *size*.
    """
    half = Half(certificate("127.0.0.1", "contacts.example"))
    records = Records(client(version), host)
    while not records.has_shaken_hands():
        for piece in in_pieces(half.replies(records.to_send()), size):
            assert not records.has_shaken_hands()
            records.feed(piece)
    for piece in in_pieces(half.replies(records.to_send()), size):  # session tickets
        records.feed(piece)
    return records, half


def all_decrypted(records):
    data = b""
    while piece := records.decrypt():
        data += piece
    return data


# The handshake


@versions
@pytest.mark.parametrize("size", [1, 5, 1000, RECORD])
def test_a_handshake_may_come_in_pieces(version, size):
    records, half = shaken(version, size=size)
    records.encrypt(b"question")

    assert half.opened(records.to_send()) == b"question"


def test_it_begins_with_a_word_of_ours():
    records = Records(client(), "127.0.0.1")

    assert not records.has_shaken_hands()
    assert records.to_send()[:1] == b"\x16"  # RFC 8446 §5.1: a handshake
    assert records.to_send() == b""


def test_a_name_is_meant_without_the_dot_at_its_end():
    records, _ = shaken(host="contacts.example.")

    assert records.has_shaken_hands()


def test_a_certificate_of_somebody_else_is_refused_with_an_alert():
    half = Half()
    records = Records(client(), "other.example")
    assert not records.has_shaken_hands()
    records.feed(half.replies(records.to_send()))
    with pytest.raises(ssl.SSLCertVerificationError):
        records.has_shaken_hands()

    with pytest.raises(ssl.SSLError, match="ALERT"):
        half.replies(records.to_send())


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_what_is_no_handshake_is_an_error(data):
    records = Records(client(), "127.0.0.1")
    assert not records.has_shaken_hands()
    records.feed(data)

    with pytest.raises(ssl.SSLError):
        records.has_shaken_hands()


# What the application says and hears


@versions
@pytest.mark.parametrize("size", [1, 1000, RECORD])
def test_what_is_sealed_there_is_decrypted_here(version, size):
    records, half = shaken(version)
    data = bytes(range(251)) * 100
    heard = b""
    for piece in in_pieces(half.sealed(data), size):
        records.feed(piece)
        heard += all_decrypted(records)

    assert heard == data
    assert records.decrypt() is None


def test_one_record_is_decrypted_at_a_time():
    records, half = shaken()
    records.feed(half.sealed(b"x" * RECORD) + half.sealed(b"y"))

    assert [records.decrypt(), records.decrypt(), records.decrypt()] == [b"x" * RECORD, b"y", None]


@versions
def test_the_end_is_no_bytes_and_stays_the_end(version):
    records, half = shaken(version)
    records.feed(half.sealed(b"the answer"))
    records.feed(b"")

    assert [records.decrypt() for _ in range(3)] == [b"the answer", b"", b""]


@versions
def test_a_goodbye_is_the_end_though_nothing_is_closed(version):
    records, half = shaken(version)
    records.feed(half.sealed(b"the answer") + half.goodbye())

    assert [records.decrypt() for _ in range(3)] == [b"the answer", b"", b""]


def test_garbage_is_an_error():
    records, _ = shaken()
    records.feed(b"HTTP/1.1 200 OK\r\n\r\n")

    with pytest.raises(ssl.SSLError):
        records.decrypt()


def test_a_record_that_was_changed_on_its_way_is_an_error():
    records, half = shaken()
    *others, last = half.sealed(b"the answer")
    records.feed(bytes([*others, last ^ 1]))

    with pytest.raises(ssl.SSLError):
        records.decrypt()


# Whether it is quiet


@versions
def test_after_a_handshake_it_is_quiet(version):
    records, _ = shaken(version)

    assert [records.is_quiet(), records.is_quiet()] == [True, True]


def test_what_is_not_decrypted_yet_is_not_quiet():
    records, half = shaken()
    records.feed(half.sealed(b"one") + half.sealed(b"two"))
    looks = [records.decrypt(), records.is_quiet()]

    assert looks == [b"one", False]


@pytest.mark.parametrize("garbage", [b"HTTP/1.1 200 OK\r\n\r\n", b"\x17\x03\x03\x00\x05abcde"])
def test_garbage_is_not_quiet(garbage):
    records, _ = shaken()
    records.feed(garbage)

    assert not records.is_quiet()


def test_after_a_goodbye_it_is_not_quiet():
    records, half = shaken()
    records.feed(half.goodbye())

    assert not records.is_quiet()


def test_at_the_end_it_is_not_quiet():
    records, _ = shaken()
    records.feed(b"")

    assert not records.is_quiet()


def two_records(half):
    """
    Their bytes, and where they end.  The second is so long that its length takes two bytes.
    """
    first, second = half.sealed(b"one"), half.sealed(b"x" * 400)
    return first + second, [len(first), len(first) + len(second)]


@versions
def test_it_is_quiet_only_where_a_record_ends_wherever_the_pieces_are_cut(version):
    records, half = shaken(version)
    data, (middle, end) = two_records(half)
    for cut in range(1, end):
        looks = []
        for piece in (data[:cut], data[cut:]):
            records.feed(piece)
            all_decrypted(records)
            looks.append(records.is_quiet())
        data, _ = two_records(half)

        assert looks == [cut == middle, True]


@versions
def test_it_is_quiet_only_where_a_record_ends_when_it_comes_byte_by_byte(version):
    records, half = shaken(version)
    data, ends = two_records(half)
    quiet = []
    for at, byte in enumerate(data, 1):
        records.feed(bytes([byte]))
        all_decrypted(records)
        if records.is_quiet():
            quiet.append(at)

    assert quiet == ends
