"""
Errors as the library raises them, without the frames of the test that provoked them.
"""

from __future__ import annotations


def error_of(function, /, *arguments, **options):
    """
    The error that *function* raises.  Its traceback begins in the library.

    The frames of a test hold the values that it looks for; those of the library
    must not.
    """
    try:
        function(*arguments, **options)
    except Exception as error:
        error.__traceback__ = error.__traceback__.tb_next
        return error
    raise AssertionError("nothing was raised")
