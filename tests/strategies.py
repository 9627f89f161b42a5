"""
What Hypothesis draws: trees, references, people, secrets.
"""

from __future__ import annotations

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
