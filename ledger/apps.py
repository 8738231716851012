from importlib import import_module

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "ledger"

    def ready(self) -> None:
        import_module("ledger.statements")
        import_module("ledger.inbox")
