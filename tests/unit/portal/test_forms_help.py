"""Beside every field stands what it is for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django import forms

from notices import forms as of_the_notices
from portal.forms import (
    custody,
    filters,
    findings,
    in_time,
    log,
    lookup,
    machines,
    makers,
    papers,
    people,
    selections,
    sites,
    stock_takes,
    transfers,
)
from portal.views import keys
from registry import forms as of_the_register

of_the_portal = (
    custody,
    filters,
    findings,
    in_time,
    log,
    lookup,
    machines,
    people,
    selections,
    makers,
    papers,
    sites,
    stock_takes,
    transfers,
)


def all_forms() -> Iterator[type[forms.Form]]:
    for module in (*of_the_portal, keys, of_the_register, of_the_notices):
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
