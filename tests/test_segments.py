from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careof import sms_segments
from careof._sending.sms.segments import Segments, segments_of
from careof.errors import ConfigurationError
from tests.support.canary import PHONE, every_view_of_error

# 3GPP TS 23.038 §6.2.1 by code: the character at each place of the table, and
# those that stand behind an escape.
TABLE = {
    0x00: "@£$¥èéùìòÇ\nØø\rÅå",
    0x10: "Δ_ΦΓΛΩΠΨΣΘΞ",
    0x1C: "ÆæßÉ",
    0x20: " !\"#¤%&'()*+,-./0123456789:;<=>?",
    0x40: "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§",
    0x60: "¿abcdefghijklmnopqrstuvwxyzäöñüà",
}
ESCAPED = {"\f": 0x0A, "^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F, "[": 0x3C, "~": 0x3D}
ESCAPED |= {"]": 0x3E, "|": 0x40, "€": 0x65}
PLAIN = {character: code + i for code, row in TABLE.items() for i, character in enumerate(row)}

GSM = st.sampled_from([*PLAIN, *ESCAPED])
ANY = st.one_of(GSM, st.characters(exclude_categories=["Cs"]), st.sampled_from("😀𝒜ç—“"))


def written(text):
    """
    The pieces that no part may cut, as the octets or septets that are sent.
    """
    if all(character in PLAIN or character in ESCAPED for character in text):
        return "gsm7", [
            bytes([PLAIN[c]]) if c in PLAIN else bytes([0x1B, ESCAPED[c]]) for c in text
        ]
    return "ucs2", [c.encode("utf-16-be") for c in text]


def parts_of(text):
    """
    *text* cut into parts as a telephone would do it, piece by piece.
    """
    encoding, pieces = written(text)
    alone, together = (160, 153) if encoding == "gsm7" else (140, 134)
    if sum(map(len, pieces)) <= alone:
        return encoding, [b"".join(pieces)]
    parts = [b""]
    for piece in pieces:
        if len(parts[-1] + piece) > together:
            parts.append(b"")
        parts[-1] += piece
    return encoding, parts


def test_the_alphabet_has_127_characters_and_an_escape():
    assert len(PLAIN) == 127
    assert 0x1B not in PLAIN.values()


@pytest.mark.parametrize("character", [*PLAIN, *ESCAPED])
def test_every_character_of_the_two_tables_is_seven_bits_or_twice_that(character):
    assert segments_of(character) == Segments(
        encoding="gsm7", units=2 if character in ESCAPED else 1, segments=1
    )


@pytest.mark.parametrize("character", "çÁâ`\u00b4\t\u2019“\u2013…žłα中\u00a0")
def test_any_other_character_makes_the_whole_text_wide(character):
    counted = sms_segments(f"{'a' * 69}{character}")

    assert counted == Segments(encoding="ucs2", units=70, segments=1)


@pytest.mark.parametrize(
    "text, encoding, units, segments",
    [
        ("", "gsm7", 0, 1),
        ("a" * 160, "gsm7", 160, 1),
        ("a" * 161, "gsm7", 161, 2),
        ("a" * 306, "gsm7", 306, 2),
        ("a" * 307, "gsm7", 307, 3),
        ("a" * 459, "gsm7", 459, 3),
        ("a" * 460, "gsm7", 460, 4),
        ("€" * 80, "gsm7", 160, 1),
        ("€" * 81, "gsm7", 162, 2),
        ("a" * 158 + "€", "gsm7", 160, 1),
        # 153 is odd: the last septet of a part cannot take half of a euro.
        ("€" * 152, "gsm7", 304, 2),
        ("€" * 153, "gsm7", 306, 3),
        ("a" * 152 + "€" + "a" * 152, "gsm7", 306, 3),
        ("a" * 151 + "€" + "a" * 153, "gsm7", 306, 2),
        ("中" * 70, "ucs2", 70, 1),
        ("中" * 71, "ucs2", 71, 2),
        ("中" * 134, "ucs2", 134, 2),
        ("中" * 135, "ucs2", 135, 3),
        ("😀" * 35, "ucs2", 70, 1),
        ("😀" * 36, "ucs2", 72, 2),
        # 67 is odd as well: 33 emoji to a part.
        ("😀" * 66, "ucs2", 132, 2),
        ("😀" * 67, "ucs2", 134, 3),
        ("a" * 66 + "😀" + "a" * 66, "ucs2", 134, 3),
        # One typographic quote makes all of it wide.
        ("It\u2019s " + "a" * 66, "ucs2", 71, 2),
    ],
)
def test_a_text_at_each_edge(text, encoding, units, segments):
    assert sms_segments(text) == Segments(encoding=encoding, units=units, segments=segments)


@given(st.text(ANY, max_size=500) | st.text(GSM, max_size=1000))
def test_a_text_takes_the_parts_that_it_is_cut_into(text):
    encoding, parts = parts_of(text)
    width = 1 if encoding == "gsm7" else 2

    assert segments_of(text) == Segments(
        encoding=encoding, units=sum(map(len, parts)) // width, segments=len(parts)
    )


@given(st.text(ANY, max_size=300), st.text(ANY, max_size=300))
def test_more_text_never_takes_fewer_parts(first, second):
    assert segments_of(first + second).segments >= segments_of(first).segments


@pytest.mark.parametrize("text", [None, b"text", 5, f"{PHONE}\ud83d"])
def test_what_is_no_text_is_not_counted_and_not_shown(text):
    with pytest.raises(ConfigurationError, match="sms_segments") as caught:
        sms_segments(text)

    assert not any(PHONE in view for view in list(every_view_of_error(caught.value))[:3])
