"""Pages that cross rooms: dashboards, search, and the jobs of the three people who use them."""
