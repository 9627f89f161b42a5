"""
What a support engineer sees.
"""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from surveys import wiring


@permission_required("surveys.change_survey", raise_exception=True)
@require_http_methods(["GET", "POST"])
def test_endpoint(request: HttpRequest) -> HttpResponse:
    """
    The button "test configuration": which step works, and which does not.
    """
    report = None
    if request.method == "POST":
        report = wiring.customer().resolver.check(request.POST.get("reference_id", "")).to_dict()
    return render(request, "surveys/test_endpoint.html", {"report": report})
