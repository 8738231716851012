"""Beside every field stands what it is for."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

import pytest
from django import forms

from notices import forms as of_the_notices
from portal import forms as of_the_portal
from portal.views import keys
from registry import forms as of_the_register


def all_forms() -> Iterator[type[forms.Form]]:
    portal = [import_module(f"portal.forms.{each.name}") for each in iter_modules(of_the_portal.__path__)]
    for module in (*portal, keys, of_the_register, of_the_notices):
        for found in vars(module).values():
            if (
                isinstance(found, type)
                and issubclass(found, forms.Form)
                and found.__module__ == module.__name__
            ):
                yield found


@pytest.mark.parametrize("form", list(all_forms()), ids=lambda form: form.__name__)
def test_every_field_has_help(form: type[forms.Form]) -> None:
    assert [name for name, field in form.base_fields.items() if not field.help_text] == []
