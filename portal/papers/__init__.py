"""Statements as papers: what each kind says in words, and where it stands in the log."""

from portal.papers.documents import draft_paper, statement_paper
from portal.papers.wording import Words
from portal.papers.words import describe

__all__ = ["Words", "describe", "draft_paper", "statement_paper"]
