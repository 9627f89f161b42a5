"""
What Hypothesis draws: trees, references, people, secrets.
"""

from __future__ import annotations

import base64
import json

from hypothesis import strategies as st

# JSON as a stranger may answer it; few names, so that paths find something.
names = st.sampled_from(["a", "b", "email", "phone", "id", "0", "", "ä", "a b", "length"])
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.sampled_from(["ada@customer.example", "+442079460018", "C-1", "{a}"]),
)
json_values = st.recursive(
    leaves,
    lambda children: st.one_of(
        st.lists(children, max_size=4), st.dictionaries(names, children, max_size=4)
    ),
    max_leaves=12,
)
json_trees = json_values.filter(lambda value: isinstance(value, dict | list))

# The steps of a path, as names and indices.
steps = st.lists(st.one_of(names, st.integers(-3, 3)), min_size=1, max_size=4)

# Whatever a host may store as a reference, fit or unfit.
references = st.one_of(
    st.text(max_size=12),
    st.text(st.sampled_from("./\\%2e25fF?#&=;{}@:+ abÄ\r\n\x00"), min_size=1, max_size=12),
)

# Long and odd enough to be found by searching a text for them.
_letters = st.text(st.sampled_from("bcdfghjkmnpqrstvwxz"), min_size=10, max_size=14)
emails = st.builds(lambda local: f"{local}@customer.example", _letters)
phones = st.builds(lambda digits: f"+4420{digits}", st.integers(79460000, 79469999))
secrets = st.builds(lambda text: f"{text}-{text[::-1]}", _letters)

# What a message may hold: line breaks, dots, headers, long lines, other scripts.
mail_texts = st.one_of(
    st.text(),
    st.text(st.sampled_from(".\r\n ä=?:_-")),
    st.lists(
        st.sampled_from(
            ["Bcc: eve@evil.example", ".", "", "\r\n.\r\n", "=?utf-8?q?=0D=0ABcc=3A?="]
        )
    ).map("\r\n".join),
    st.builds(
        lambda word, times: word * times,
        st.sampled_from(["x", "ä", "x y "]),
        st.integers(70, 1100),
    ),
)


def _one_line(text):
    return " ".join("".join(filter(str.isprintable, text)).split())


# Subject lines as an invitation fills them.
subjects = mail_texts.map(_one_line)


# Addresses that are one, and addresses that just miss being one.
_locals = [*"ab1_+-.", "info", "x" * 30, "--", "A", "!", '"', "\u017f", "\u00e9", "@"]
_labels = [*"ab1-", "xn--", "test", "y" * 30, "--", "A", "_", "\u212a", "\u00fc"]
nearly_emails = st.builds(
    lambda local, domain, end: f"{local}@{'.'.join(domain)}{end}",
    st.lists(st.sampled_from(_locals), min_size=1, max_size=4).map("".join),
    st.lists(
        st.lists(st.sampled_from(_labels), min_size=1, max_size=3).map("".join),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from([".co", ".example", ".test", ".local", ".arpa", ".c", ".c1", ".xn--p1ai", ""]),
)


# Answers as an endpoint sends them: (bytes, status, body), good and whole.
_lines = st.sampled_from(
    [
        b"Server: x",
        b"Date: Mon, 01 Jan 2024 00:00:00 GMT",
        b"content-type: application/json; charset=utf-8",
        b"Connection: close",
        b"Connection: keep-alive",
        b"Keep-Alive: timeout=5",
        b"X-Empty:",
        b"Content-Encoding: identity",
        b"Set-Cookie: a=b; Path=/",
        b"ETag: \xc3\xa4",
    ]
)
_bodies = st.one_of(
    json_values.map(lambda value: json.dumps(value).encode()),
    st.sampled_from([b"", b"{}", b"0\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]),
    st.binary(max_size=60),
)


def _chunked(body, sizes):
    pieces = []
    for size in sizes:
        pieces.append(body[:size])
        body = body[size:]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, body] if piece)
    return framed + b"0\r\n\r\n"


@st.composite
def http_answers(draw):
    interim = draw(st.sampled_from([b"", b"", b"HTTP/1.1 100 Continue\r\n\r\n"]))
    status = draw(st.sampled_from([200, 200, 200, 404, 429, 503]))
    lines = draw(st.lists(_lines, max_size=4, unique=True))
    body = draw(_bodies)
    if draw(st.booleans()):
        lines.append(b"Transfer-Encoding: chunked")
        framed = _chunked(body, draw(st.lists(st.integers(1, 20), max_size=4)))
    else:
        lines.append(b"Content-Length: %d" % len(body))
        framed = body
    head = b"\r\n".join([b"HTTP/1.1 %d OK" % status, *draw(st.permutations(lines))])
    return interim + head + b"\r\n\r\n" + framed, status, body


# What breaks readers when it stands where it should not.
http_tokens = st.sampled_from(
    [
        *(b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\n\n", b" ", b"\t", b":", b",", b";", b"\x00"),
        *(b"\xff", b"\x0b", b"\x85", b"0", b"1", b"-", b"+", b"0x", b"a", b"F", b"00000"),
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.0 200 OK\r\n",
        b"HTTP/2.0",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n",
        b"Content-Length: 2\r\n",
        b"Content-Length: 99999999999999999999\r\n",
        b"Content-Length : 2\r\n",
        b"Content-Length: 2, 2\r\n",
        b"\r\n Content-Length: 2\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: identity\r\n",
        b"transfer-encoding: gzip, chunked\r\n",
        b"Content-Encoding: gzip\r\n",
        b"Upgrade: h2c\r\nConnection: upgrade\r\n",
        b"2\r\n{}\r\n",
        b"2;x=y\r\n{}\r\n",
        b"0\r\n\r\n",
        b"0\r\nX: y\r\n\r\n",
        b"{}",
    ]
)
_odd_leaves = st.sampled_from(
    [
        *("NaN", "-Infinity", "1e999", "1" * 65, "-" + "1" * 64, "0." + "1" * 63, "-0", "1E+2"),
        *('"\\ud800"', '"\\ud83d\\ude00"', '"\\u0000"', '"]}"', "01", "null"),
    ]
)
# JSON as it may be written: keys that stand twice, numbers that are none.
json_texts = st.recursive(
    leaves.map(json.dumps) | _odd_leaves,
    lambda children: st.one_of(
        st.lists(children, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(
            st.tuples(names.map(json.dumps) | st.just('"\\u0061"'), children).map(":".join),
            max_size=4,
        ).map(lambda members: f"{{{','.join(members)}}}"),
    ),
    max_leaves=8,
).map(str.encode)
json_tokens = st.sampled_from(
    [
        *(
            b"{",
            b"}",
            b"[",
            b"]",
            b'"',
            b"\\",
            b":",
            b",",
            b"\\u",
            b"\\ud800",
            b"\\udc00",
            b"\xff",
        ),
        *(b"\xef\xbb\xbf", b"\x00", b" ", b"\n", b"-", b".", b"e999", b"0", b"1" * 70, b"NaN"),
        *(b"Infinity", b"null", b"true", b'"a":1,', b'"a":1,"a":2', b"[" * 40, b"]" * 40, b"'"),
        *(b"//", b"\xc3\xa4", b"\xed\xa0\x80"),
    ]
)


@st.composite
def mutations(draw, originals, tokens):
    """
    One of *originals* with a few bytes flipped, put in, left out, doubled or swapped.
    """
    raw = bytearray(draw(originals))
    for _ in range(draw(st.integers(1, 4))):
        at, end = sorted(draw(st.tuples(*[st.integers(0, len(raw))] * 2)))
        match draw(st.sampled_from(["flip", "insert", "delete", "double", "splice", "move"])):
            case "flip" if at < len(raw):
                raw[at] ^= 1 << draw(st.integers(0, 7))
            case "insert":
                raw[at:at] = draw(tokens)
            case "delete":
                del raw[at : min(end, at + draw(st.sampled_from([1, 2, 40])))]
            case "double":
                raw[at:at] = raw[at:end]
            case "splice":
                raw[at:] = draw(originals)[at:]
            case "move":
                piece = raw[at:end]
                del raw[at:end]
                raw += piece
    return bytes(raw)


@st.composite
def trees_and_steps(draw):
    """
    A tree, and steps that often lead somewhere in it, perhaps to several nodes.
    """
    node = tree = draw(json_trees)
    steps = []
    for _ in range(draw(st.integers(1, 4))):
        places = list(node) if isinstance(node, dict) else [*range(len(node))]
        kind = draw(st.sampled_from(["place", "place", "all", "slice", "having", "any"]))
        if kind == "place" and places:
            place = draw(st.sampled_from(places))
            node = node[place]
            is_name = isinstance(place, str)
            back = 0 if is_name else draw(st.sampled_from([0, len(places)]))
            steps.append(("name", place) if is_name else ("index", place - back))
        elif kind == "all":
            steps.append(("all", None))
        elif kind == "slice":
            steps.append(("slice", draw(st.tuples(*[st.none() | st.integers(-3, 3)] * 2))))
        elif kind == "having":
            steps.append(("having", draw(names)))
        else:
            steps.append(
                draw(
                    st.one_of(
                        names.map(lambda name: ("name", name)),
                        st.integers(-3, 3).map(lambda index: ("index", index)),
                    )
                )
            )
        if kind != "place" and places:
            node = node[places[0]]
        if not isinstance(node, dict | list):
            break
    return tree, steps


_filters = st.lists(
    st.sampled_from(
        [
            *("@.a", "@", "@.*", "$.a", "$[0]", "(", ")", "==", "<", "&&", "||", "!", "'x'", "1"),
            *(
                "1e9",
                "@.a==1e999999",
                "@.a<1",
                "null",
                "true",
                "length(@.a)",
                "count(@.*)",
                "value(@.a)",
                ",",
            ),
            *("match(@.a, 'x')", "@[?@.a]", " ", "@..a"),
        ]
    ),
    min_size=1,
    max_size=5,
).map(lambda parts: f"[?{''.join(parts)}]")
_segments = st.sampled_from(
    [
        *(".a", ".email", "..", ".*", "[*]", "[0]", "[-1]", "['a']", '["\\u0061"]', "[1:]"),
        *(
            "[::-1]",
            "[::0]",
            "[",
            "]",
            "['\\ud800']",
            "\ud800",
            ".\u00e4",
            "\n",
            " ",
            "/a",
            "/0",
            "/-",
        ),
        *("~0", "~", "[99999999999999999999]", "[" + "9" * 5000 + "]", "[" * 3000),
    ]
)
path_texts = st.one_of(
    st.text(max_size=12),
    st.tuples(
        st.sampled_from(["$", "$", "$", "/", "@", ""]),
        st.lists(_segments | _filters, max_size=4).map("".join),
    ).map("".join),
)

# What may stand in a header, dates at the ends of time included.
_dates = st.builds(
    "{}, {} {} {} {} {}".format,
    st.sampled_from(["Mon", "Monday", "x"]),
    st.sampled_from(["01", "31", "99", "1"]),
    st.sampled_from(["Jan", "Dec", "xyz", "-01"]),
    st.sampled_from(["2024", "9999", "0001", "0000", "24", "1970", "99999"]),
    st.sampled_from(["00:00:00", "23:59:60", "99:99:99", "1:2", ""]),
    st.sampled_from(["GMT", "+2359", "-2359", "-0000", "+9999", "-9999", "EST", ""]),
)
header_texts = st.one_of(
    st.text(st.characters(max_codepoint=255), max_size=30),
    _dates,
    st.sampled_from(["0", "120", "-1", "1.5", "1e5", "inf", "nan", "+1", " 7 ", "9" * 5000]),
    st.lists(_dates | st.sampled_from([",", ";", " ", "1"]), max_size=3).map("".join),
)

# Tokens as a header can carry them (RFC 7235 and what servers make of it).
header_tokens = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)
# When a token ends: seconds, or not known.
times = st.one_of(
    st.none(),
    st.integers(-(10**12), 10**12),
    st.floats(-1e12, 1e12),
)

# What may stand where a lifetime is expected.
expiry_texts = st.one_of(
    st.text(),
    st.text(st.sampled_from("0123456789.-+eEtTzZ: _,/WP\u0661\u2212"), max_size=30),
    st.sampled_from(["NaN", "Infinity", "-inf", "0x10", "9" * 5000, "1e400", "None", "\ud800"]),
    st.builds(
        "{:04}-{:02}-{:02}{}{:02}:{:02}:{:02}{}".format,
        st.integers(0, 9999),
        *[st.integers(0, 99)] * 2,
        st.sampled_from(["T", "t", " ", ""]),
        *[st.integers(0, 99)] * 3,
        st.sampled_from(["", "Z", "z", ".5Z", "+01:00", "-2359", "+24:00", "-99", ".Z"]),
    ),
)
# Three parts, some of which are JSON in base64url.
_parts = st.one_of(
    st.builds(
        lambda raw: base64.urlsafe_b64encode(raw).rstrip(b"=").decode(),
        st.one_of(json_texts, st.binary(max_size=20)),
    ),
    st.text(st.sampled_from("abcDEF019-_=+/\u00e4 "), max_size=6),
)
nearly_jwts = st.one_of(st.text(), st.lists(_parts, max_size=6).map(".".join))
