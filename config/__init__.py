"""Settings, routes and processes: how the rooms are put to work."""
