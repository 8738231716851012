"""The Chipledger protocol as a plain Python library: no Django, no database, and no network but the command's."""
