"""What the book says: holdings, transfers, histories, balances, and who may read which of it."""
