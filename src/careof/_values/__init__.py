"""
What travels: sealed values, and the records that name nobody.
"""
