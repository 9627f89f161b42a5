"""
Which keys an answer has, for whoever looks for a path that selects nothing.

Theory of operation: a key can be personal data, as in an object whose names are
addresses, numbers, references or the names of people.  No pattern tells ``Ada``
from ``data``, so a key is shown only if it is made of words that interfaces use
for contacts; of the others only their number is told.  What stands below a key
that is not shown is not looked at, of an array only its first element, and values
are never looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from careof._reading.strict_json import JsonTree

_MOST = 12  # keys that are shown
_DEEPEST = 6
_LONGEST = 40  # characters of one key

_FORM = re.compile(r"_?[A-Za-z][A-Za-z_-]*[0-9]?", re.ASCII)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", re.ASCII)

# None of them is what people are mostly called.
_WORDS = frozenset(
    """
    a account accounts active additional address addresses addressee and api attr attributes
    body business by cell cellphone channel channels city code communication communications
    company consent contact contactdata contactdetails contactinfo contactpoint contacts content
    country created customer customers data default deleted delivery department detail details
    display displayname e email emailaddress emailaddresses emails embedded employee employees
    entity entries entry erased error errors external extra family familyname fax fields
    first firstname found full fullname gender given givenname gone home id identifier identity
    ids info information is item items kind label language last lastname links list
    locale location mail mailaddress mails main member members meta metadata middle mobile
    mobilenumber mobilephone msisdn name names national next number numbers object of office ok
    optin optout organisation organization participant participants patient patients payload
    people person personal persons phone phonenumber phones postal preferred prefix preferences
    prev previous primary private profile profiles properties recipient recipients record records
    ref reference referenceid region resource resources respondent respondents response result
    results salutation secondary self sms state status subject subscriber subscribers
    success suffix surname tel telephone telephonenumber text timezone title to total type types
    updated url user userid username users uuid valid value values verified work zip

    adres adresse adresses anrede correo correos courriel courriels daten email emailadresse
    ergebnis handy handynummer kontakt kontakte kontaktdaten kunde kunden mailadresse mobil
    mobilnummer movil nachname nombre nom nome numero person personen prenom rufnummer telefon
    telefone telefonnummer telefono vorname

    addr attrs birth birthdate birthday comment count crm cursor cust date day dob export hash
    in info limit login message nick nickname note notes offset opt origin out reason session size
    source survey surveys system tag tags tenant time timestamp token trace upper usr version year
    """.split()
)
_ADDRESSES = re.compile(
    "mail|phone|tel|mobil|cell|sms|corr|handy|rufnummer|numero|contact", re.IGNORECASE
)


def keys_in(tree: JsonTree) -> str:
    """
    A sentence or two about the keys in *tree*.
    """
    shown: list[str] = []
    hidden = 0
    for path in _paths(tree, "", _DEEPEST):
        if path is None:
            hidden += 1
        else:
            shown.append(path)
    # First those by which an address may be meant; both in the order of the answer.
    shown.sort(key=lambda path: _ADDRESSES.search(path) is None)
    more = len(shown) - _MOST
    said = []
    if shown:
        listed = ", ".join(shown[:_MOST]) + (f" and {more} more" if more > 0 else "")
        said.append(f"The answer has these keys: {listed}.")
    if hidden:
        said.append(
            f"{'Other keys' if shown else 'Its keys'} ({hidden}) are not shown, as a key can be "
            "personal data."
        )
    return " ".join(said) or "The answer has no keys."


def _paths(node: object, path: str, depth: int) -> Iterator[str | None]:
    """
    The ends of all paths below *node*; None for each key that is not shown.
    """
    if not isinstance(node, dict):
        if isinstance(node, list) and node and isinstance(node[0], dict | list) and depth:
            yield from _paths(node[0], f"{path}[0]", depth - 1)
        elif path:
            yield path
        return
    is_shown = False
    for key, value in node.items():
        if depth and _is_plain(key):
            is_shown = True
            yield from _paths(value, f"{path}.{key}" if path else key, depth - 1)
        else:
            yield None
    if path and not is_shown:
        yield path


def _is_plain(key: str) -> bool:
    if len(key) > _LONGEST or _FORM.fullmatch(key) is None:
        return False
    return all(word.lower() in _WORDS for word in _WORD.findall(key))
