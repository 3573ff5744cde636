"""What several verbs do alike: options, targets, output, the terminal."""
