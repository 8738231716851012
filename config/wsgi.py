"""The web server's way in."""

from __future__ import annotations

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

# What is loaded now stays loaded: the collector need not walk it again for every large request, nor start a round for
# every few hundred of the objects that a batch of evidence is read into.
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 20, 50)
