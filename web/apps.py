"""The Django application of the shared face."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """Templates, static files and template tags that every room uses."""

    name = "web"
    verbose_name = "Shared face"
