"""Driving a planned world through the public door, under the simulated clock."""
