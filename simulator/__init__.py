"""A seeded synthetic world with known ground truth, driven through the public door."""
