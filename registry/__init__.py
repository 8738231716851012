"""What exists: organisations, people and their roles, chip models, sites, chips. Not who holds them."""
