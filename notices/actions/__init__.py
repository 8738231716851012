"""Making notices, and keeping what each person has read or wants."""
