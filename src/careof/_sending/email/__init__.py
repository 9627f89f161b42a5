"""
Messages as email, over SMTP.
"""
