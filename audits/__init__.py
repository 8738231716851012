"""Book minus silicon, and what the difference means: rules, findings, balances, clusters, policies."""
