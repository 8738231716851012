"""The pages of the docs that are tables in the code."""

from __future__ import annotations

from django.core.management import call_command


def test_the_generated_docs_are_what_the_code_says() -> None:
    call_command("draw_docs", check=True)
