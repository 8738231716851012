"""The room where book and silicon are compared."""

from importlib import import_module

from django.apps import AppConfig


class AuditsConfig(AppConfig):
    name = "audits"

    def ready(self) -> None:
        import_module("audits.access")
        import_module("audits.actions.sweeps")
        import_module("audits.statements")
        import_module("audits.metrics").register()
