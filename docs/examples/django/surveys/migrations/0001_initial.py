"""
The first tables.
"""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """
    As ``makemigrations`` wrote it.
    """

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Survey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(unique=True)),
                ("subject", models.CharField(max_length=200)),
                ("text", models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name="SentOnce",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("survey_id", models.CharField(max_length=100)),
                ("wave", models.CharField(max_length=100)),
                ("reference_id", models.CharField(max_length=256)),
                ("channel", models.CharField(max_length=8)),
                ("outcome", models.CharField(max_length=20)),
                ("run", models.CharField(max_length=100)),
                ("since", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("survey_id", "wave", "reference_id", "channel"),
                        name="once_per_key",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Participant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reference_id", models.CharField(max_length=256)),
                (
                    "survey",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="participants",
                        to="surveys.survey",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("survey", "reference_id"), name="asked_once")
                ],
            },
        ),
    ]
