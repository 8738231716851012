from importlib import import_module

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        import_module("portal.reading")
        import_module("portal.queries.papers")
        import_module("portal.actions.checks")  # a worker does these
