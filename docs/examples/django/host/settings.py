"""
What Django is told; what careof needs stands at the end.
"""

from __future__ import annotations

import os

SECRET_KEY = os.environ.get("HOST_SECRET_KEY", "for-development-only")
DEBUG = False
ALLOWED_HOSTS = ["surveys.example"]
ROOT_URLCONF = "host.urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "surveys",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("HOST_DATABASE", "surveys.sqlite"),
        # So that whoever reads is in nobody's way who writes.
        "OPTIONS": {"timeout": 30, "init_command": "PRAGMA journal_mode=WAL"},
        "TEST": {"NAME": os.environ.get("HOST_TEST_DATABASE")},  # in memory, unless it is set
    }
}

# begin careof
CUSTOMER = {
    "name": "customer",
    "email": {
        "url": "https://crm.customer.example/people/{reference_id}",
        "contact": {
            "email": "$.email",
            "reference_id": "$.id",
            "attributes": {"first_name": "$.first_name"},
        },
        "auth": {
            "scheme": "oauth2_client_credentials",
            "token_url": "https://crm.customer.example/oauth/token",
            "client_id": "surveys",
            "client_secret": "env:CUSTOMER_SECRET",
        },
        "sender": {
            "scheme": "smtp",
            "host": "mail.surveys.example",
            "from_address": "Surveys <surveys@surveys.example>",
            "username": "surveys",
            "password": "env:MAIL_PASSWORD",
        },
    },
}
# end careof
