"""The limits: the least that any program must do for the same result, written by hand, without our own code."""
