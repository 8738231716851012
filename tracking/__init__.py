"""The book: accounts, movements, transfers. What organisations signed, never what the silicon proved."""
