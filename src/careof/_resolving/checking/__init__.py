"""
What a configuration test is made of: its steps, their causes, and how they are shown.
"""
