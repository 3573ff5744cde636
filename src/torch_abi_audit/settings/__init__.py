"""The configuration: where it is found, what it may contain, and which settings are in force."""
