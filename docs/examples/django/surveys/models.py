"""
What this application keeps: surveys, references and what became of them.

There is no column for an address, a phone number or a name.
"""

from __future__ import annotations

from urllib.parse import quote

from django.core import signing
from django.db import models

from careof import Invitation, LedgerKey


class Survey(models.Model):
    """
    One survey, and the words that invite to it.
    """

    slug = models.SlugField(unique=True)
    subject = models.CharField(max_length=200)
    text = models.TextField()

    def __str__(self) -> str:
        return self.slug

    def invitation(self) -> Invitation:
        """
        The message, with a link of their own for each person.
        """
        return Invitation(
            survey_id=self.slug,
            channel="email",
            subject=self.subject,
            text=self.text,
            urls={"survey_url": self.link},
        )

    def link(self, reference_id: str) -> str:
        """
        Where this person answers; nobody can make up the link of another one.
        """
        token = signing.dumps(reference_id, salt=self.slug)
        return f"https://surveys.example/{self.slug}/{quote(token)}"


class Participant(models.Model):
    """
    Somebody who is asked: a reference, which the customer chose.
    """

    survey = models.ForeignKey(Survey, models.CASCADE, related_name="participants")
    reference_id = models.CharField(max_length=256)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["survey", "reference_id"], name="asked_once")
        ]

    def __str__(self) -> str:
        return self.reference_id


class SentOnce(models.Model):
    """
    The entries of the ledger.
    """

    survey_id = models.CharField(max_length=100)
    wave = models.CharField(max_length=100)
    reference_id = models.CharField(max_length=256)
    channel = models.CharField(max_length=8)
    outcome = models.CharField(max_length=20)
    run = models.CharField(max_length=100)
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "surveys"
        constraints = [models.UniqueConstraint(fields=[*LedgerKey._fields], name="once_per_key")]

    def __str__(self) -> str:
        return f"{self.reference_id} {self.outcome}"
