"""Says what the loader would do in an environment, without running anything."""
