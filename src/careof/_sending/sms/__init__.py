"""
Messages as SMS, through an HTTP gateway.
"""
