"""The only code that changes the book: chips named are staged, locked, and moved from account to account."""
