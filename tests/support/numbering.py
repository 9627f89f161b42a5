"""
What the installed phonenumbers says of the numbers of a country code.

Both halves of the table in ``careof._values.numbering`` are made here from its
metadata, once more and another way.
"""

from __future__ import annotations

import itertools
import re._constants as kinds
import re._parser as parser

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

COUNTRY_CODES = sorted(COUNTRY_CODE_TO_REGION_CODE)
_DIGITS = "0123456789"
_NO_COUNTRY = "001"
_LONGEST = 15  # digits, with the country code: ITU-T E.164 §6.1
_LONGEST_SHORT_CODE = 8  # digits; what is longer is listed as one, but nobody calls it short
_SEEN = 4  # digits of a number by which it is told whether its beginning is safe


def row_of(code):
    """
    The row that the table should have for *code*, as a text, or None if it should have none.
    """
    lengths, unsafe = lengths_of(code), unsafe_beginnings_of(code)
    if not lengths or unsafe == [""]:
        return None
    return " ".join(f"{' '.join(map(str, lengths))} | {' '.join(unsafe)} | {code}".split())


def masks_of(code):
    """
    What the table comes to: each safe beginning of five characters to a mask of lengths.
    """
    unsafe = tuple(unsafe_beginnings_of(code))
    nationals = map("".join, itertools.product(_DIGITS, repeat=_seen_of(code)))
    mask = sum(1 << len(f"+{code}") + length for length in lengths_of(code))
    return {
        f"+{code}{national}": mask for national in nationals if not national.startswith(unsafe)
    }


def lengths_of(code):
    """
    How long national numbers of *code* can be; as long as a short code, they are in doubt.
    """
    short = {
        length
        for region in COUNTRY_CODE_TO_REGION_CODE[code]
        if (metadata := PhoneMetadata.short_metadata_for_region(region)) is not None
        for length in metadata.general_desc.possible_length
        if length <= _LONGEST_SHORT_CODE
    }
    possible = _metadata_of(code).general_desc.possible_length
    return [
        length
        for length in possible
        if length not in short and len(str(code)) + length <= _LONGEST
    ]


def unsafe_beginnings_of(code):
    """
    The shortest beginnings from which something could be taken off as a national prefix.

    And a zero, where no number begins with one: it is a prefix of other countries.
    """
    metadata = _metadata_of(code)
    pattern = metadata.national_prefix_for_parsing
    unsafe = [] if pattern is None else _shortest(pattern, "", _seen_of(code))
    if unsafe == [""] or can_begin(metadata.general_desc.national_number_pattern, "0"):
        return unsafe
    return ["0", *(beginning for beginning in unsafe if not beginning.startswith("0"))]


def _shortest(pattern, beginning, more):
    if not can_begin(pattern, beginning):
        return []
    if not more:
        return [beginning]
    longer = [_shortest(pattern, beginning + digit, more - 1) for digit in _DIGITS]
    # All ten of them say no more than the beginning they have in common.
    is_all = longer == [[beginning + digit] for digit in _DIGITS]
    return [beginning] if is_all else [*itertools.chain(*longer)]


def can_begin(pattern, beginning):
    """
    Whether the regular expression *pattern* can match at the start of a text that begins so.

    It is read, not tried: the places in *beginning* that a match can come to
    are worked out item by item, and from its end on everything is possible.
    """
    return bool(_reached(parser.parse(pattern), {0}, beginning))


def _reached(items, places, beginning):
    for kind, argument in items:
        places = _after(kind, argument, places, beginning)
    return places


def _after(kind, argument, places, beginning):
    end = len(beginning)
    if kind is kinds.SUBPATTERN:
        return _reached(argument[-1], places, beginning)
    if kind is kinds.BRANCH:
        return set().union(*(_reached(branch, places, beginning) for branch in argument[1]))
    if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT):
        return _repeated(*argument, places, beginning)
    if kind is kinds.AT:
        assert argument is kinds.AT_END
        return places & {end}
    return {
        min(place + 1, end)
        for place in places
        if place == end or _is_one_of(kind, argument, beginning[place])
    }


def _repeated(least, most, items, places, beginning):
    for _ in range(least):
        places = _reached(items, places, beginning)
    # Further repetitions than there are digits come to no new place.
    for _ in range(min(most - least, len(beginning) + 1)):
        places = places | _reached(items, places, beginning)
    return places


def _is_one_of(kind, argument, digit):
    if kind is kinds.ANY:
        return True
    if kind is kinds.LITERAL:
        return ord(digit) == argument
    if kind is kinds.NOT_LITERAL:
        return ord(digit) != argument
    if kind is kinds.RANGE:
        return argument[0] <= ord(digit) <= argument[1]
    if kind is kinds.CATEGORY:
        assert argument is kinds.CATEGORY_DIGIT
        return True
    assert kind is kinds.IN, kind
    negated = argument[0][0] is kinds.NEGATE
    return negated != any(_is_one_of(*item, digit) for item in argument[negated:])


def _metadata_of(code):
    region = COUNTRY_CODE_TO_REGION_CODE[code][0]
    if region == _NO_COUNTRY:
        return PhoneMetadata.metadata_for_nongeo_region(code)
    return PhoneMetadata.metadata_for_region(region)


def _seen_of(code):
    return _SEEN - len(str(code))
