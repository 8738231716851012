"""The only code of this room that writes: measuring, sweeping, and what becomes of findings."""
