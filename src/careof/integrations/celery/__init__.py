"""
Surveys by the workers of Celery: ``pip install careof[celery]``.
"""

from __future__ import annotations

try:
    import celery as _celery  # noqa: F401
except ImportError:
    raise ImportError(
        "careof.integrations.celery needs celery: pip install 'careof[celery]'."
    ) from None

from careof.integrations.celery._fan_out import FanOut
from careof.integrations.celery._survey import Standing, Survey
from careof.integrations.celery._tasks import SurveyTasks, survey_tasks
from careof.integrations.celery._turn import Rate

__all__ = ["FanOut", "Rate", "Standing", "Survey", "SurveyTasks", "survey_tasks"]
