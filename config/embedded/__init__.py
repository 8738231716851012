"""A private PostgreSQL and a private Redis for machines that have neither; nothing here imports Django.

A guardian process starts both and stops them when the process that asked for them ends, whatever ended it.
"""

from config.embedded.plan import ServicesError
from config.embedded.services import Services, ensure, start

__all__ = ["Services", "ServicesError", "ensure", "start"]
