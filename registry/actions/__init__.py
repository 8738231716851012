"""The only code that writes what this room knows."""
