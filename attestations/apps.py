from importlib import import_module

from django.apps import AppConfig


class AttestationsConfig(AppConfig):
    name = "attestations"

    def ready(self) -> None:
        import_module("attestations.statements")
        import_module("attestations.access")
