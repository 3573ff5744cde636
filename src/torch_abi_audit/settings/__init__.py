"""The configuration: where it is found, what it may say, what is in force."""
