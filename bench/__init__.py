"""How fast the house is beside the fastest that the same machine could do by hand: ratios, measured in one run."""
