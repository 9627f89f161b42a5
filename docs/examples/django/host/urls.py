"""
Which URL leads to which view.
"""

from __future__ import annotations

from django.urls import path
from surveys import views

urlpatterns = [path("endpoint/test", views.test_endpoint, name="test-endpoint")]
