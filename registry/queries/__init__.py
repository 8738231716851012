"""Reading what this room knows."""

from registry.queries import visibility as visibility  # registers who may read which rows
