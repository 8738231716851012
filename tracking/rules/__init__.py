"""What may happen in the book, by whom, and if not, why in one sentence. Nothing here reads or writes."""
