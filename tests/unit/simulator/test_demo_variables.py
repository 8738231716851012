"""The demo refuses variables that mean nothing before it starts anything."""

from __future__ import annotations

import pytest

from simulator import demo


@pytest.mark.parametrize("name", ["DEMO_SEED", "DEMO_CHIPS", "DEMO_MONTHS", "PORT"])
@pytest.mark.parametrize("given", ["many", "-3", "1.5", "²"])
def test_a_variable_that_is_no_whole_number_is_refused_by_name(
    name: str, given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["demo", "--report"])
    monkeypatch.setenv(name, given)
    with pytest.raises(SystemExit, match=f"{name} must be a whole number"):
        demo.main()
