"""The one door for signed statements, the signers and their keys, and the transparency log. Knows nothing of chips."""
