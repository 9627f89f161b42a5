"""
One reference, from its claim to its receipt.
"""
