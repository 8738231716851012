"""The settings of the house, with pages rendered from constants beside its own."""

from __future__ import annotations

from config.settings import *  # noqa: F403 - all of them, but for the routes

ROOT_URLCONF = "bench.constant_pages"
