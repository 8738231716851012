"""Writing drafts, and what pages record beside statements."""
