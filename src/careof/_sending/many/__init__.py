"""
Many references, one receipt each, in bounded memory.
"""
