"""
Which texts are phone numbers in E.164 form beyond doubt.

Theory of operation: phonenumbers decides what is a number, by tables that it
changes every few weeks.  It takes 13 µs for each, and what it said last year
it need not say today, while a pseudonym must stay the same for ever.  So what it
says of the plain case stands here, and is not asked again: a text of ``+``, a
country code and a national number is that number itself,

- if the national number has one of the lengths that the country has, up to the
  15 digits of E.164 (ITU-T E.164 §6.1), and its short codes have not;
- and if it does not begin with digits that could be a national prefix, which
  would be taken off: ``+44 020 ...`` is ``+44 20 ...``.

All other texts go to phonenumbers.  Both halves are derived from its release
9.0.43, which ``tests/test_numbering.py`` does again.  With any other release it
asks that no such text is read as another number.
"""

from __future__ import annotations

import functools
import itertools
import re
from typing import Any

LONGEST = 15  # digits, with the country code: ITU-T E.164 §6.1
_DIGITS_AND_PLUS = re.compile(r"[0-9+]*", re.ASCII)
_BEGINNING = 5  # characters: the plus sign and four digits

# Lengths of the national number | what it must not begin with | country codes
_PLANS = """
10 | 1 | 1
10 14 | 8 | 7
8 9 10 | 0 | 20 60 855 856 964 970 976
6 7 8 9 10 | 0 | 27 95 880
10 11 12 | | 30
5 7 8 9 10 11 | 0 | 31
8 9 | 0 | 32 51 213 233 250 264 377 382 387 591 962 963
9 | 0 | 33 40 93 94 211 212 218 249 251 255 256 260 262 508 590 594
9 | 0 | 596 994 995
9 | | 34 221 240 242 244 351 979 992 998
8 9 | 06 | 36
8 9 10 11 12 | | 39 883
9 12 | 0 | 41
7 8 9 10 11 12 13 | 0 | 43 49 62
7 9 10 | 0 18 | 44
8 | | 45 47 216 222 223 226 227 228 235 236 253 257 266 350 356
8 | | 357 371 505 509 675 800 808 973
7 8 9 10 12 | 0 | 46
7 8 9 10 | | 48
10 | | 52 225 229
8 10 | 0 | 53 850
8 9 10 11 | 0 90 | 55
9 10 11 | | 56
8 10 11 | 0 | 57 977
10 | 0 | 58
9 10 12 | 0 18 | 61
6 8 9 10 11 12 13 | 0 | 63
5 6 7 8 9 10 | 0 | 64
8 10 11 | | 65
8 9 10 13 | 0 | 66
9 10 11 12 13 | 0 | 81 91
6 9 10 11 12 13 | 0 | 82
7 8 9 10 | 0 | 84 243 254 353
7 9 10 11 12 | 0 11 12 17 | 86
7 10 12 13 | 0 | 90
8 9 10 11 12 | 0 | 92 383
7 10 | 0 | 98
7 9 | | 220 245 354
8 9 | | 224 237 258 268
7 8 10 | | 230 267 372
7 8 9 | 0 | 231 355 385 967
8 | 0 | 232 373 374 389
10 11 12 | 0 | 234
7 | | 238 239 246 248 269 297 592 673 674 680 691
7 8 | 0 | 241 386 961
5 6 | | 247
6 7 8 9 | 0 | 252
9 | 0 2 4 5 6 7 8 9 | 261
7 9 10 | 0 | 263
7 9 | 0 | 265 421
7 | 0 | 291
6 | 1 | 298
6 | | 299 687
7 8 9 10 11 | 1 | 352
7 8 9 10 11 12 | 0 | 358 381 972
7 8 9 12 | 0 | 359
8 | 0 8 | 370
6 7 8 9 10 11 | 0 8 | 375
6 8 9 | | 376 689
8 10 | 8 9 | 378
9 10 | 0 | 380 966 996
9 10 11 12 | | 420
7 9 | 0 1 | 423
5 | | 500 682
7 11 | | 501 679
8 11 | | 502 504
7 8 11 | | 503
8 10 | 1 | 506
7 8 10 11 | | 507
8 9 10 11 | 0 | 593 595
6 7 | | 597
6 7 8 9 10 11 12 | 0 | 598
7 8 | | 599 670 853 965 975
6 | 0 1 2 5 8 | 672
5 7 | | 676 677 678
6 9 | | 681
4 7 | | 683
5 6 7 10 | | 685
5 8 | 0 | 686
5 6 7 | | 688
4 5 6 7 | | 690
7 | 1 | 692
8 9 11 | | 852
9 12 | | 870
12 | | 878
9 10 | | 881
7 8 9 10 11 12 | | 882
7 8 9 10 11 | 0 | 886
11 | | 888
7 10 | | 960
7 8 9 | | 968
5 6 7 8 9 10 11 12 | 0 | 971
7 8 9 11 | | 974
8 | 8 | 993
"""


def is_plain_e164(text: str) -> bool:
    """
    Whether *text* is a number in E.164 form, and would be whoever reads it.
    """
    return (
        bool(lengths_by_beginning().get(text[:_BEGINNING], 0) >> len(text) & 1)
        and text.isascii()
        and text[_BEGINNING:].isdigit()
    )


def are_plain_e164(texts: list[Any]) -> bool:
    """
    Whether each of *texts* is a ``str`` and ``is_plain_e164``, at a third of the cost.
    """
    if set(map(type, texts)) != {str}:
        return False
    together = "".join(texts)
    # So many plus signs as texts, and each begins with one, as seen below: the rest are digits.
    if together.count("+") != len(texts) or not _DIGITS_AND_PLUS.fullmatch(together):
        return False
    lengths = lengths_by_beginning().get
    # A list, not a generator, which takes half as long again.
    return all([lengths(text[:_BEGINNING], 0) >> len(text) & 1 for text in texts])  # noqa: C419


@functools.cache
def lengths_by_beginning() -> dict[str, int]:
    """
    The first five characters of a number to its lengths: bit n is set for n characters.
    """
    beginnings = {}
    for row in _PLANS.split("\n")[1:-1]:
        lengths, unsafe, codes = (part.split() for part in row.split("|"))
        for code in codes:
            mask = sum(1 << 1 + len(code) + int(length) for length in lengths)
            for digits in itertools.product("0123456789", repeat=_BEGINNING - 1 - len(code)):
                national = "".join(digits)
                if not national.startswith(tuple(unsafe)):
                    beginnings[f"+{code}{national}"] = mask
    return beginnings
