"""
What the hostile endpoint can do wrong, by name; a few do everything right.

``VERBATIM`` are bytes that are sent as they stand, before the connection is
closed.  ``BODIES`` and ``HEADERS`` change one thing of a good answer.  What
takes more than bytes is a function.
"""

from __future__ import annotations

import asyncio
import functools
import gzip
import ssl
import warnings
import zlib

import trustme

from tests.support import server
from tests.support.hostile import whole

PERSON = b'{"id": "@R@", "email": "@C@@people.example", "echo": "@S@"}'
STRANGER = b'{"id": "somebody-else", "email": "@C@@people.example"}'
LATER = b'{"error": "@C@", "you_sent": "@S@"}'
GOOD = b"HTTP/1.1 200 Fine @C@\r\nX-Canary: @C@\r\n"
CHUNKED = GOOD + b"Transfer-Encoding: chunked\r\n\r\n"
OPEN = GOOD + b"Content-Length: 60000\r\n\r\n"
TLS_ALERT = b"\x15\x03\x03\x00\x02\x02\x28"  # fatal: handshake_failure
# The head of a TLS record with a ServerHello of 16 kB.
LONG_HELLO = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03"


def in_chunks(body):
    """
    *body* in one chunk, without the last one.
    """
    return lambda peer: b"%x\r\n%s\r\n" % (len(peer.filled(body)), peer.filled(body))


def with_length(form, body=PERSON):
    """
    A good answer whose Content-Length is written as *form* says.
    """
    return lambda peer: (
        GOOD
        + form.replace(b"@L@", b"%d" % len(peer.filled(body)))
        + b"\r\n\r\n"
        + peer.filled(body)
    )


def chunked(before=b"", after=b"0\r\n\r\n", head=CHUNKED):
    """
    A good answer in chunks, with *before* in front of them and *after* behind.
    """
    return lambda peer: head + before + in_chunks(PERSON)(peer) + after


def line_ends(end):
    """
    A good answer whose lines end otherwise.
    """
    return lambda peer: whole(peer.filled(PERSON)).replace(b"\r\n", end)


def head_line(line):
    """
    A good answer with one *line* more in its head, whatever it is.
    """
    return lambda peer: whole(peer.filled(PERSON), line)


def status_line(line):
    """
    A good answer that begins otherwise.
    """
    return lambda peer: line + whole(peer.filled(PERSON)).removeprefix(b"HTTP/1.1 200 Fine @C@")


VERBATIM = {
    "hang_up": b"",
    "garbage": b"\x00\xff\x16\x03@C@" * 500 + b"\r\n\r\n",
    "binary_flood": lambda _: bytes(range(256)) * 4000,
    "ssh_banner": b"SSH-2.0-OpenSSH_9.6 @C@\r\n",
    "smtp_banner": b"220 @C@ ESMTP Postfix\r\n",
    "ftp_banner": b"220-@C@\r\n220 ready\r\n",
    "tls_alert_in_plain": TLS_ALERT,
    "http2_preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    "http2_goaway": b"\x00\x00\x08\x07\x00\x00\x00\x00\x00" + bytes(8) + b"@C@",
    "http_0_9": PERSON,
    "http_1_0": lambda peer: whole(peer.filled(PERSON)).replace(b"HTTP/1.1", b"HTTP/1.0"),
    "http_1_2": status_line(b"HTTP/1.2 200 Fine @C@"),
    "http_2_0": status_line(b"HTTP/2.0 200 Fine @C@"),
    "http_9_9": status_line(b"HTTP/9.9 200 Fine @C@"),
    "http_without_version": status_line(b"HTTP 200 Fine @C@"),
    "small_letters": status_line(b"http/1.1 200 fine @C@"),
    "rtsp": status_line(b"RTSP/1.1 200 Fine @C@"),
    "icy": status_line(b"ICY 200 Fine @C@"),
    "a_request": status_line(b"GET /@C@ HTTP/1.1"),
    "no_reason": status_line(b"HTTP/1.1 200"),
    "huge_reason": status_line(b"HTTP/1.1 200 " + b"@C@" * 10_000),
    "reason_of_many_alphabets": status_line("HTTP/1.1 200 Здорово @C@".encode()),
    "nul_in_reason": status_line(b"HTTP/1.1 200 Fine\x00@C@"),
    "empty_lines_first": status_line(b"\r\n\r\nHTTP/1.1 200 Fine @C@"),
    "space_first": status_line(b" HTTP/1.1 200 Fine @C@"),
    "two_spaces_in_status": status_line(b"HTTP/1.1  200  Fine @C@"),
    "status_000": status_line(b"HTTP/1.1 000 Fine @C@"),
    "status_20": status_line(b"HTTP/1.1 20 Fine @C@"),
    "status_2000": status_line(b"HTTP/1.1 2000 Fine @C@"),
    "status_minus": status_line(b"HTTP/1.1 -200 Fine @C@"),
    "status_words": status_line(b"HTTP/1.1 Fine @C@"),
    "lone_lf": line_ends(b"\n"),
    "lone_cr": line_ends(b"\r"),
    "cr_cr_lf": line_ends(b"\r\r\n"),
    "head_of_40_kb": head_line(b"X-Big: " + b"a" * 40_000),
    "header_without_colon": head_line(b"X-Canary @C@"),
    "header_without_name": head_line(b": @C@"),
    "header_name_with_space": head_line(b"X Canary: @C@"),
    "space_before_colon": head_line(b"X-Canary : @C@"),
    "obs_fold": head_line(b"X-Folded: a\r\n b @C@"),
    "fold_first": lambda peer: whole(peer.filled(PERSON)).replace(b"\r\n", b"\r\n folded\r\n", 1),
    "nul_in_header": head_line(b"X-Canary: a\x00@C@"),
    "cr_in_header": head_line(b"X-Canary: a\rSet-Cookie: @C@"),
    "control_in_header": head_line(b"X-Canary: a\x1b[31m@C@"),
    "latin1_header": head_line(b"X-Canary: \xe9\xff @C@"),
    "non_ascii_header_name": head_line(b"X-Can\xc3\xa1ry: @C@"),
    "length_plus": with_length(b"Content-Length: +@L@"),
    "length_minus": with_length(b"Content-Length: -1"),
    "length_hex": with_length(b"Content-Length: 0x@L@"),
    "length_decimal": with_length(b"Content-Length: @L@.0"),
    "length_words": with_length(b"Content-Length: @C@"),
    "length_empty": with_length(b"Content-Length:"),
    "length_arabic": with_length("Content-Length: \u0665\u0666".encode()),
    "length_underscore": with_length(b"Content-Length: 0_@L@"),
    "length_of_thousand_digits": with_length(b"Content-Length: " + b"9" * 1000),
    "length_zero_padded": with_length(b"Content-Length: 000@L@"),
    "length_list_same": with_length(b"Content-Length: @L@, @L@"),
    "length_list_differs": with_length(b"Content-Length: @L@, 5"),
    "length_twice_same": with_length(b"Content-Length: @L@\r\nContent-Length: @L@"),
    "length_twice_differs": with_length(b"Content-Length: 5\r\nContent-Length: @L@"),
    "length_and_chunked": chunked(
        head=GOOD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    ),
    "length_right_and_chunked": head_line(b"Transfer-Encoding: chunked"),
    "length_too_long": with_length(b"Content-Length: 500"),
    "length_too_short": with_length(b"Content-Length: 2", b"{}@C@"),
    "length_far_too_long": with_length(b"Content-Length: 10000000000"),
    "no_length": with_length(b"X-Nothing: else"),
    "chunked": chunked(),
    "chunked_in_http_1_0": chunked(head=CHUNKED.replace(b"/1.1", b"/1.0")),
    "chunked_in_capitals": chunked(head=CHUNKED.replace(b"chunked", b"CHUNKED")),
    "chunked_twice": chunked(head=CHUNKED.replace(b"chunked", b"chunked, chunked")),
    "chunked_with_parameter": chunked(head=CHUNKED.replace(b"chunked", b"chunked;q=1")),
    "chunked_misspelt": chunked(head=CHUNKED.replace(b"chunked", b"xchunked")),
    "gzip_chunked": chunked(head=CHUNKED.replace(b"chunked", b"gzip, chunked")),
    "transfer_identity": lambda peer: whole(peer.filled(PERSON)).replace(
        b"Content-Length", b"Transfer-Encoding: identity\r\nContent-Length"
    ),
    "chunk_extension": chunked(before=b"1;name=value\r\n \r\n"),
    "chunk_extension_garbage": chunked(before=b"1;\x00\x7f=\xff@C@\r\n \r\n"),
    "chunk_extension_huge": chunked(before=b"1;" + b"@C@" * 20_000 + b"\r\n \r\n"),
    "chunk_size_minus": chunked(before=b"-1\r\n \r\n"),
    "chunk_size_plus": chunked(before=b"+1\r\n \r\n"),
    "chunk_size_0x": chunked(before=b"0x1\r\n \r\n"),
    "chunk_size_words": chunked(before=b"@C@\r\n \r\n"),
    "chunk_size_empty": chunked(before=b"\r\n \r\n"),
    "chunk_size_padded": chunked(before=b"0000001\r\n \r\n"),
    "chunk_size_20_digits": chunked(before=b"f" * 20 + b"\r\n"),
    "chunk_size_21_digits": chunked(before=b"0" * 20 + b"1\r\n \r\n"),
    "chunk_size_too_small": chunked(before=b"1\r\n   \r\n"),
    "chunk_size_too_big": chunked(before=b"5\r\n \r\n"),
    "chunk_without_crlf": chunked(before=b"1\r\n "),
    "chunk_with_lone_lf": chunked(before=b"1\n \n"),
    "chunk_last_missing": chunked(after=b""),
    "chunk_last_cut": chunked(after=b"0\r\n"),
    "trailers": chunked(after=b"0\r\nX-Canary: @C@\r\nContent-Length: 5\r\n\r\n"),
    "trailers_garbage": chunked(after=b"0\r\n@C@\r\n\r\n"),
    "trailers_huge": chunked(after=b"0\r\n" + b"X-Canary: @C@\r\n" * 5_000 + b"\r\n"),
    "interim": lambda peer: (
        b"HTTP/1.1 103 Early @C@\r\nLink: </@C@>\r\n\r\n" + whole(peer.filled(PERSON))
    ),
    "interim_with_length": lambda peer: (
        b"HTTP/1.1 103 Early\r\nContent-Length: 5\r\n\r\n" + whole(peer.filled(PERSON))
    ),
    "interim_too_many": lambda peer: (
        b"HTTP/1.1 102 Wait @C@\r\n\r\n" * 9 + whole(peer.filled(PERSON))
    ),
    "interim_flood": lambda _: b"HTTP/1.1 100 @C@\r\n\r\n" * 5_000,
    "interim_and_no_more": b"HTTP/1.1 100 Continue @C@\r\n\r\n",
    "switching_protocols": b"HTTP/1.1 101 @C@\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
    "two_answers": lambda peer: whole(peer.filled(PERSON)) + whole(peer.filled(STRANGER)),
    "stranger_first": lambda peer: whole(peer.filled(STRANGER)) + whole(peer.filled(PERSON)),
    "answer_and_line": lambda peer: whole(peer.filled(PERSON)) + b"\r\n",
    "chunked_and_more": chunked(after=b"0\r\n\r\n@C@"),
    "headers_cut": GOOD + b"X-Cut: @C",
    "no_content_and_more": b"HTTP/1.1 204 @C@\r\n\r\n" + PERSON,
    "not_modified_and_more": b"HTTP/1.1 304 @C@\r\nContent-Length: 5\r\n\r\n" + PERSON,
    "ten_thousand_headers": lambda _: (
        GOOD + b"".join(b"X-%d: @C@\r\n" % number for number in range(10_000)) + b"\r\n"
    ),
    "one_huge_header": GOOD + b"X-Huge: " + b"@C@" * 30_000 + b"\r\n\r\n",
    "sixty_headers": lambda peer: whole(
        peer.filled(PERSON), *(b"X-%d: @C@" % number for number in range(60))
    ),
}


def utf16(encoding):
    """
    A good body in an *encoding* that JSON must not have.
    """
    return lambda peer: peer.filled(PERSON).decode().encode(encoding)


def email(value):
    """
    A good body with another email address.
    """
    return PERSON.replace(b'"@C@@people.example"', value)


def echo(value):
    """
    A good body about another reference.
    """
    return PERSON.replace(b'"@R@"', value)


BODIES = {
    "good": PERSON,
    "empty_body": b"",
    "blank_body": b" \r\n\t ",
    "cut_json": PERSON[:-1],
    "nan": PERSON[:-1] + b', "age": NaN}',
    "infinity": PERSON[:-1] + b', "age": Infinity}',
    "minus_infinity": PERSON[:-1] + b', "age": -Infinity}',
    "float_overflow": PERSON[:-1] + b', "age": 1e400}',
    "exponent_of_many_digits": PERSON[:-1] + b', "age": 1e' + b"9" * 5_000 + b"}",
    "long_integer": PERSON[:-1] + b', "age": ' + b"9" * 60_000 + b"}",
    "megabyte_integer": lambda _: b'{"id": "@R@", "age": ' + b"9" * 1_000_000 + b"}",
    "leading_zero": PERSON[:-1] + b', "age": 007}',
    "hex_number": PERSON[:-1] + b', "age": 0x10}',
    "duplicate_keys": PERSON[:-1] + b', "email": "@C@.eve@people.example"}',
    "duplicate_keys_escaped": PERSON[:-1] + b', "\\u0065mail": "@C@.eve@people.example"}',
    "duplicate_echo": PERSON[:-1] + b', "id": "somebody-else"}',
    "keys_differ_in_case": PERSON[:-1] + b', "Email": "@C@.eve@people.example"}',
    "two_documents": PERSON + PERSON,
    "two_lines": PERSON + b"\n" + STRANGER,
    "trailing_garbage": PERSON + b"@C@",
    "trailing_comma": PERSON[:-1] + b",}",
    "comment": b"/* @C@ */" + PERSON,
    "single_quotes": PERSON.replace(b'"', b"'"),
    "javascript": b"callback(" + PERSON + b");",
    "anti_hijacking_prefix": b")]}',\n" + PERSON,
    "yaml": b"id: @R@\nemail: @C@@people.example\n",
    "xml": b"<contact><id>@R@</id><email>@C@@people.example</email></contact>",
    "form": b"id=@R@&email=@C@%40people.example",
    "html_login": b"<!doctype html><title>Log in</title><form>@C@</form>",
    "utf16": utf16("utf-16"),
    "utf16_without_mark": utf16("utf-16-le"),
    "utf32": utf16("utf-32"),
    "utf8_mark": b"\xef\xbb\xbf" + PERSON,
    "latin1": email(b'"@C@\xe9@people.example"'),
    "overlong_utf8": email(b'"@C@\xc0\xaf@people.example"'),
    "surrogates_in_utf8": email(b'"@C@\xed\xa0\x80@people.example"'),
    "lone_surrogate": email(b'"@C@\\ud800@people.example"'),
    "lone_surrogate_in_key": PERSON[:-1] + b', "\\udfff": "@C@"}',
    "nul_in_string": email(b'"@C@\x00@people.example"'),
    "nul_escaped": email(b'"@C@\\u0000@people.example"'),
    "nul_behind": PERSON + b"\x00",
    "bare_string": b'"@C@@people.example"',
    "bare_number": b"5",
    "bare_null": b"null",
    "bare_true": b"true",
    "json_in_a_string": lambda peer: b'"%s"' % peer.filled(PERSON).replace(b'"', b'\\"'),
    "array_root": b"[" + PERSON + b"]",
    "empty_object": b"{}",
    "error_with_200": LATER,
    "somebody_else": STRANGER,
    "echo_in_capitals": lambda peer: echo(b'"%s"' % peer.reference.upper().encode()),
    "echo_with_space": echo(b'"@R@ "'),
    "echo_cut": lambda peer: echo(b'"%s"' % peer.reference[:-1].encode()),
    "echo_null": echo(b"null"),
    "echo_list": echo(b'["@R@"]'),
    "echo_object": echo(b'{"id": "@R@"}'),
    "echo_true": echo(b"true"),
    "echo_empty": echo(b'""'),
    "email_null": email(b"null"),
    "email_empty": email(b'""'),
    "email_list": email(b'["@C@@people.example"]'),
    "email_object": email(b'{"value": "@C@@people.example"}'),
    "email_number": email(b"5"),
    "email_true": email(b"true"),
    "email_blank": email(b'" "'),
    "email_without_at": email(b'"@C@"'),
    "email_crlf": email(b'"@C@@people.example\\r\\nBcc: eve@people.example"'),
    "email_line_end": email(b'"@C@@people.example\\n"'),
    "email_two": email(b'"@C@@people.example, eve@people.example"'),
    "email_with_name": email(b'"Ada <@C@@people.example>"'),
    "email_with_url": email(b'"mailto:@C@@people.example"'),
    "email_at_an_address": email(b'"@C@@[127.0.0.1]"'),
    "email_at_home": email(b'"@C@@localhost"'),
    "email_turned_around": email('"@C@\u202e@people.example"'.encode()),
    "email_of_60_kb": email(b'"@C@' + b"a" * 60_000 + b'@people.example"'),
    "email_of_1_mb": email(b'"@C@' + b"a" * 1_000_000 + b'@people.example"'),
    "too_large_by_one": lambda peer: peer.filled(PERSON).ljust(65_537),
    "as_large_as_may_be": lambda peer: peer.filled(PERSON).ljust(65_536),
    "too_deep": PERSON[:-1] + b', "deep": ' + b"[" * 32 + b"]" * 32 + b"}",
    "deep_30_000": b"[" * 30_000 + b"]" * 30_000,
    "deep_100_000": lambda _: b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep_and_open": b"[" * 60_000,
    "brackets_in_a_string": PERSON[:-1] + b', "deep": "' + b"[" * 60_000 + b'"}',
    "quotes_without_end": b'"' + b'\\"' * 30_000,
    "thousands_of_arrays": PERSON[:-1] + b', "a": [' + b"[]," * 20_000 + b"[]]}",
    "thousands_of_objects": PERSON[:-1] + b', "a": [' + b'{"":{}},' * 7_000 + b"[]]}",
    "thousands_of_keys": lambda _: (
        PERSON[:-1] + b"".join(b', "k%d": "@C@"' % number for number in range(2_000)) + b"}"
    ),
}


def bomb(times):
    """
    A gibibyte of spaces, compressed *times*.
    """
    # With a full flush behind it each block stands for itself and can be repeated.
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = packer.compress(b" " * 2**20) + packer.flush(zlib.Z_FULL_FLUSH)
    packed = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff" + head * 1024
    for _ in range(times - 1):
        packed = gzip.compress(packed)
    return packed


def coded(coding, body=PERSON):
    """
    A body in a content *coding*: two names, or one and what really is in it.
    """
    return b"Content-Encoding: " + coding, body


HEADERS = {
    "content_identity": coded(b"identity"),
    "content_identity_twice": coded(b"identity, identity"),
    "content_gzip": coded(b"gzip", lambda peer: gzip.compress(peer.filled(PERSON))),
    "content_gzip_and_identity": coded(b"gzip\r\nContent-Encoding: identity"),
    "content_deflate": coded(b"deflate", lambda peer: zlib.compress(peer.filled(PERSON))),
    "content_br": coded(b"br"),
    "content_zstd": coded(b"zstd"),
    "content_unknown": coded(b"@C@"),
    "content_gzip_of_something_else": coded(b"gzip"),
    "gzip_without_a_word": (b"X-A: b", lambda peer: gzip.compress(peer.filled(PERSON))),
    "bomb": coded(b"gzip", lambda _: bomb(1)[:60_000]),
    "nested_bomb": coded(b"gzip, gzip", lambda _: bomb(2)),
    "age": (b"Age: 1", PERSON),
    "age_words": (b"Age: @C@", PERSON),
    "age_minus": (b"Age: -1", PERSON),
    "age_zero": (b"Age: 0", PERSON),
    "set_cookie": (b"Set-Cookie: id=@C@; Domain=127.0.0.1; Max-Age=99999999", PERSON),
    "type_html": (b"Content-Type: text/html", PERSON),
    "type_utf16": (b"Content-Type: application/json; charset=utf-16", PERSON),
    "type_of_many_letters": (b"Content-Type: " + b"@C@/" * 1_000, PERSON),
    "type_unknown_charset": (b"Content-Type: application/json; charset=@C@", PERSON),
    "upgrade": (b"Connection: upgrade\r\nUpgrade: h2c, websocket", PERSON),
    "connection_close": (b"Connection: close", PERSON),
    "keep_alive_absurd": (b"Keep-Alive: timeout=-1, max=99999999999999999999", PERSON),
    "trailer_announced": (b"Trailer: Content-Length", PERSON),
    "location": (b"Location: http://127.0.0.1:1/@C@\r\nRefresh: 0; url=/@C@", PERSON),
    "link_and_alternative": (b"Link: </@C@>; rel=preload\r\nAlt-Svc: h3=':1'", PERSON),
    "challenge_with_200": (b'WWW-Authenticate: Basic realm="@C@"', PERSON),
    "range_with_200": (b"Content-Range: bytes 0-5/60000\r\nAccept-Ranges: bytes", PERSON),
}

RETRY_AFTER = {
    "retry_after_seconds": b"1",
    "retry_after_minus": b"-5",
    "retry_after_decimal": b"1.5",
    "retry_after_nan": b"NaN",
    "retry_after_infinity": b"Infinity",
    "retry_after_huge": b"1" + b"0" * 400,
    "retry_after_garbage": b"@C@",
    "retry_after_list": b"5, 6",
    "retry_after_arabic": "\u0665".encode(),
    "retry_after_date": b"Fri, 31 Dec 9999 23:59:59 GMT",
    "retry_after_past": b"Thu, 01 Jan 1970 00:00:00 GMT",
    "retry_after_no_date": b"Fri, 99 Dec 99999 99:99:99 +9999",
}

OTHER_STATUSES = """
    201 202 203 206 226 300 305 400 401 402 403 404 405 407 408 409 410 411 414 418 421 422 429
    431 451 500 501 502 503 504 505 511 599 600 999
"""
REDIRECTS = (301, 302, 303, 307, 308)


# Before the first byte of a request.
async def reset_on_accept(peer):
    peer.reset()


async def close_on_accept(peer):
    peer.close()


async def silence_on_accept(peer):
    await peer.silence()


async def banner_on_accept(peer):
    await peer.send(b"SSH-2.0-@C@\r\n")
    await peer.silence()


async def answer_on_accept(peer):
    await peer.answer(STRANGER)
    await peer.silence()


async def flood_on_accept(peer):
    await peer.flood(b"", b"@C@")


async def dripped_banner(peer):
    await peer.drip(b"220-@C@", b"a")


# Before the end of a TLS handshake.
async def tls_silence(peer):
    await peer.silence()


async def tls_dripped_hello(peer):
    await peer.receive()
    await peer.drip(LONG_HELLO, b"\x00")


async def tls_half_hello(peer):
    await peer.receive()
    await peer.send(LONG_HELLO)
    await peer.silence()


async def tls_closed(peer):
    await peer.receive()
    peer.close()


async def tls_reset(peer):
    await peer.receive()
    peer.reset()


async def tls_alert(peer):
    await peer.receive()
    await peer.send(TLS_ALERT)
    peer.close()


async def tls_garbage(peer):
    await peer.receive()
    await peer.send(b"\x00\xff@C@" * 100)
    peer.close()


async def tls_plain_answer(peer):
    await peer.receive()
    await peer.answer(PERSON)
    peer.close()


async def tls_flood(peer):
    # Handshake records of 16 kB that complete nothing.
    await peer.flood(b"", b"\x16\x03\x03\x40\x00" + b"\x02\x00\x00\x00" * 4096)


# After a request.
async def silence(peer):
    await peer.silence()


async def silence_after_headers(peer):
    await peer.send(OPEN)
    await peer.silence()


async def silence_mid_headers(peer):
    await peer.send(GOOD)
    await peer.silence()


async def silence_mid_body(peer):
    await peer.send(OPEN + b'{"email": "@C@')
    await peer.silence()


async def silence_before_last_chunk(peer):
    await peer.send(chunked(after=b"")(peer))
    await peer.silence()


async def silence_after_interim(peer):
    await peer.send(b"HTTP/1.1 100 @C@\r\n\r\n")
    await peer.silence()


async def announced_10_gb(peer):
    await peer.send(GOOD + b"Content-Length: 10000000000\r\n\r\n")
    await peer.silence()


async def dripped_status(peer):
    await peer.drip(b"HTTP/1.1 200 @C@", b"a")


async def dripped_headers(peer):
    await peer.drip(GOOD + b"X-Drip: ", b"a")


async def dripped_header_lines(peer):
    await peer.drip(GOOD, b"X-Drip: @C@\r\n")


async def dripped_interim(peer):
    await peer.drip(b"HTTP/1.1 102 @C@\r\nX-Drip: ", b"a")


async def dripped_body(peer):
    await peer.drip(OPEN + b'{"email": "@C@', b"a")


async def dripped_chunks(peer):
    await peer.drip(CHUNKED, b"1\r\n \r\n")


async def dripped_chunk_size(peer):
    await peer.drip(CHUNKED, b"0")


async def dripped_chunk_extension(peer):
    await peer.drip(CHUNKED + b"1;@C@", b"a")


async def dripped_trailers(peer):
    await peer.drip(chunked(after=b"0\r\n")(peer), b"X-Drip: @C@\r\n")


async def dripped_empty_lines(peer):
    await peer.drip(b"", b"\r\n")


async def good_byte_by_byte(peer):
    for byte in peer.filled(whole(peer.filled(PERSON))):
        await peer.send(b"%c" % byte)


async def endless_status(peer):
    await peer.flood(b"HTTP/1.1 200 ", b"@C@")


async def endless_header(peer):
    await peer.flood(GOOD + b"X-Endless: ", b"@C@")


async def endless_headers(peer):
    await peer.flood(GOOD, b"X-Endless: @C@\r\n")


async def endless_interim(peer):
    await peer.flood(b"", b"HTTP/1.1 100 @C@\r\n\r\n")


async def endless_empty_lines(peer):
    await peer.flood(b"", b"\r\n")


async def endless_chunks(peer):
    await peer.flood(CHUNKED, b"20\r\n%s\r\n" % (b" " * 32))


async def endless_chunk(peer):
    await peer.flood(CHUNKED + b"fffffffffff\r\n", b"@C@")


async def endless_chunk_size(peer):
    await peer.flood(CHUNKED, b"0")


async def endless_chunk_extension(peer):
    await peer.flood(CHUNKED + b"1;", b"@C@")


async def endless_trailers(peer):
    await peer.flood(chunked(after=b"0\r\n")(peer), b"X-Endless: @C@\r\n")


async def endless_body(peer):
    await peer.flood(GOOD + b"\r\n", b"@C@")


async def endless_body_with_length(peer):
    await peer.flood(GOOD + b"Content-Length: 65000\r\n\r\n", b"@C@")


async def reset_after_request(peer):
    peer.reset()


async def reset_mid_headers(peer):
    await peer.send(GOOD + b"X-Can")
    peer.reset()


async def reset_mid_body(peer):
    await peer.send(OPEN + PERSON)
    peer.reset()


async def redirect_inside(peer, status):
    # Our own other port: whoever follows is counted there.
    inside = b"Location: http://127.0.0.1:%d/good/@R@" % peer.endpoint.inside
    await peer.answer(LATER, inside, status=b"%d @C@" % status)


async def no_content(peer, status):
    await peer.send(b"HTTP/1.1 %d @C@\r\nX-Canary: @C@\r\n\r\n" % status)


async def good_at_the_third_time(peer):
    if peer.endpoint.requests < 3:
        await peer.answer(LATER, status=b"503 @C@")
    else:
        await peer.answer(PERSON)


async def verbatim(peer, data):
    await peer.send(data(peer) if callable(data) else data)
    peer.close()


async def answer(peer, body, *lines, status=b"200 Fine @C@"):
    await peer.answer(body(peer) if callable(body) else body, *lines, status=status)


# After a request, under TLS.
async def tls_second_record(peer):
    await peer.send(whole(peer.filled(PERSON)), whole(peer.filled(STRANGER)))


async def tls_record_a_byte(peer):
    data = peer.filled(whole(peer.filled(PERSON)))
    await peer.send(*(b"%c" % byte for byte in data))


async def tls_closed_mid_body(peer):
    await peer.send(OPEN + PERSON)
    peer.close()


async def tls_goodbye_mid_body(peer):
    await peer.send(OPEN + PERSON)
    await peer.say_goodbye()
    peer.close()


async def tls_goodbye_for_an_end(peer):
    await peer.send(GOOD + b"\r\n" + PERSON)
    await peer.say_goodbye()
    peer.close()


async def tls_plain_mid_body(peer):
    await peer.send(OPEN + b'{"email": "')
    await peer.raw(peer.filled(b"@C@" * 100))
    await peer.silence()


async def tls_alert_mid_body(peer):
    await peer.send(OPEN + PERSON)
    await peer.raw(TLS_ALERT)
    await peer.silence()


async def tls_forged_record(peer):
    await peer.send(OPEN + PERSON)
    await peer.raw(b"\x17\x03\x03\x00\x20" + bytes(32))
    await peer.silence()


async def tls_reset_mid_body(peer):
    await peer.send(OPEN + PERSON)
    peer.reset()


async def tls_dripped_record(peer):
    await peer.send(OPEN + b'{"email": "')
    await peer.raw(b"\x17\x03\x03\x40\x00")
    while True:
        await peer.raw(b"\x00")
        await asyncio.sleep(0.02)


def contexts():
    """
    Certificates that must not be accepted, and handshakes that cannot succeed.
    """
    good = functools.partial(server.certificate, "127.0.0.1")
    old, wanting = good(by=server.authority()), good(by=server.authority(), expired=False)
    with warnings.catch_warnings(action="ignore"):  # it is old, and that is the point
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    wanting.verify_mode = ssl.CERT_REQUIRED
    server.authority().configure_trust(wanting)
    return {
        "certificate_of_another_host": server.certificate("contacts.customer.example"),
        "certificate_of_another_address": server.certificate("127.0.0.2"),
        "certificate_expired": good(expired=True),
        "certificate_of_nobody": good(by=trustme.CA()),
        "tls_too_old": old,
        "tls_client_certificate_wanted": wanting,
    }


def _named(*functions):
    return {function.__name__: function for function in functions}


ACCEPTED = _named(
    reset_on_accept,
    close_on_accept,
    silence_on_accept,
    banner_on_accept,
    answer_on_accept,
    flood_on_accept,
    dripped_banner,
)
GREETED = _named(
    tls_silence,
    tls_dripped_hello,
    tls_half_hello,
    tls_closed,
    tls_reset,
    tls_alert,
    tls_garbage,
    tls_plain_answer,
    tls_flood,
)
SECURE = _named(
    tls_second_record,
    tls_record_a_byte,
    tls_closed_mid_body,
    tls_goodbye_mid_body,
    tls_goodbye_for_an_end,
    tls_plain_mid_body,
    tls_alert_mid_body,
    tls_forged_record,
    tls_reset_mid_body,
    tls_dripped_record,
)
ASKED = {
    **_named(
        silence,
        silence_after_headers,
        silence_mid_headers,
        silence_mid_body,
        silence_before_last_chunk,
        silence_after_interim,
        announced_10_gb,
        dripped_status,
        dripped_headers,
        dripped_header_lines,
        dripped_interim,
        dripped_body,
        dripped_chunks,
        dripped_chunk_size,
        dripped_chunk_extension,
        dripped_trailers,
        dripped_empty_lines,
        good_byte_by_byte,
        endless_status,
        endless_header,
        endless_headers,
        endless_interim,
        endless_empty_lines,
        endless_chunks,
        endless_chunk,
        endless_chunk_size,
        endless_chunk_extension,
        endless_trailers,
        endless_body,
        endless_body_with_length,
        reset_after_request,
        reset_mid_headers,
        reset_mid_body,
        good_at_the_third_time,
    ),
    **SECURE,
    **{name: functools.partial(verbatim, data=data) for name, data in VERBATIM.items()},
    **{name: functools.partial(answer, body=body) for name, body in BODIES.items()},
    **{
        name: lambda peer, line=line, body=body: answer(peer, body, line)
        for name, (line, body) in HEADERS.items()
    },
    **{
        name: lambda peer, line=b"Retry-After: " + value: answer(
            peer, LATER, line, status=b"429 @C@"
        )
        for name, value in RETRY_AFTER.items()
    },
    **{
        f"status_{code}": functools.partial(answer, body=LATER, status=b"%d @C@" % int(code))
        for code in OTHER_STATUSES.split()
    },
    **{f"status_{code}": functools.partial(redirect_inside, status=code) for code in REDIRECTS},
    **{f"status_{code}": functools.partial(no_content, status=code) for code in (204, 205, 304)},
}
