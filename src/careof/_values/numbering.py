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
  would be taken off: ``+44 020 ...`` is ``+44 20 ...``; nor with a zero in a
  country where no number does.

All other texts go to phonenumbers.  Both halves are derived from its release
9.0.43, which ``tests/test_numbering.py`` does again.  With any other release it
asks that no such text is read as another number.
"""

from __future__ import annotations

import functools
import itertools
import re
from typing import Any

_DIGITS_AND_PLUS = re.compile(r"[0-9+]*", re.ASCII)
_BEGINNING = 5  # characters: the plus sign and four digits

# Lengths of the national number | what it must not begin with | country codes
_PLANS = """
10 | 0 1 | 1
10 14 | 0 8 | 7
8 9 10 | 0 | 20 60 855 856 964 970 976
6 7 8 9 10 | 0 | 27 95 880
10 11 12 | 0 | 30 234
5 7 8 9 10 11 | 0 | 31
8 9 | 0 | 32 36 51 213 224 233 237 250 258 264 377 382 387 591 962 963
9 | 0 | 33 34 40 93 94 211 212 218 221 240 244 249 251 255 256 260
9 | 0 | 262 351 508 590 594 596 979 994 995 998
8 9 10 11 12 | | 39
9 12 | 0 | 41 870
7 8 9 10 11 12 13 | 0 | 43 49 62
7 9 10 | 0 18 | 44
8 | 0 | 45 216 222 223 228 232 235 236 253 257 266 350 356 357 371
8 | 0 | 373 374 389 505 509 675 808 973
7 8 9 10 12 | 0 | 46
8 | | 47 226 227 800
7 8 9 10 | 0 | 48 84 243 254 353
10 | 0 | 52 58
8 10 | 0 | 53 850
8 9 10 11 | 0 90 | 55
9 10 11 | 0 | 56
8 10 11 | 0 | 57 65 977
9 10 12 | 0 18 | 61
6 8 9 10 11 12 13 | 0 | 63
5 6 7 8 9 10 | 0 | 64
8 9 10 13 | 0 | 66
9 10 11 12 13 | 0 | 81 91
6 9 10 11 12 13 | 0 | 82
7 9 10 11 12 | 0 11 12 17 | 86
7 10 12 13 | 0 | 90
8 9 10 11 12 | 0 | 92 383 883
7 10 | 0 | 98 960
7 9 | 0 | 220 245 265 354 421
10 | | 225 229
7 8 10 | 0 | 230 372
7 8 9 | 0 | 231 355 385 967 968
7 | 0 | 238 239 246 248 269 291 297 592 673 674 680 691
7 8 | 0 | 241 386 599 670 961 965 975
9 | | 242 992
5 6 | | 247
6 7 8 9 | 0 | 252
9 | 0 2 4 5 6 7 8 9 | 261
7 9 10 | 0 | 263
7 8 10 | | 267
8 9 | | 268
6 | 0 1 | 298
6 | 0 | 299
7 8 9 10 11 | 0 1 | 352
7 8 9 10 11 12 | 0 | 358 381 882 972
7 8 9 12 | 0 | 359
8 | 0 8 | 370 993
6 7 8 9 10 11 | 0 8 | 375
6 8 9 | 0 | 376 689
8 10 | 8 9 | 378
9 10 | 0 | 380 966 996
9 10 11 12 | 0 | 420
7 9 | 0 1 | 423
5 | 0 | 500 682
7 11 | | 501 679
8 11 | 0 | 502 504
7 8 11 | 0 | 503
8 10 | 0 1 | 506
7 8 10 11 | | 507
8 9 10 11 | 0 | 593 595
6 7 | 0 | 597
6 7 8 9 10 11 12 | 0 | 598
6 | 0 1 2 5 8 | 672
5 7 | | 676
5 7 | 0 | 677 678
6 9 | 0 | 681
4 7 | 0 | 683
5 6 7 10 | 0 | 685
5 8 | 0 | 686
6 | | 687
5 6 7 | 0 | 688
4 5 6 7 | 0 | 690
7 | 0 1 | 692
8 9 11 | 0 | 852
7 8 | | 853
12 | 0 | 878
9 10 | | 881
7 8 9 10 11 | 0 | 886
11 | | 888
5 6 7 8 9 10 11 12 | 0 | 971
7 8 9 11 | | 974
"""


def is_plain_e164(text: str) -> bool:
    """
    Whether *text* is a number in E.164 form, and the same one whoever reads it.
    """
    return (
        bool(lengths_by_beginning().get(text[:_BEGINNING], 0) >> len(text) & 1)
        and text.isascii()
        and text[_BEGINNING:].isdigit()
    )


def are_plain_e164(texts: list[Any]) -> bool:
    """
    Whether each of *texts* is a ``str`` and ``is_plain_e164``, at half the cost.
    """
    if set(map(type, texts)) != {str}:
        return False
    together = "".join(texts)
    # So many plus signs as texts, and each begins with one, as seen below: the rest are digits.
    if together.count("+") != len(texts) or not _DIGITS_AND_PLUS.fullmatch(together):
        return False
    lengths = lengths_by_beginning().get
    return all(lengths(text[:_BEGINNING], 0) >> len(text) & 1 for text in texts)


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
