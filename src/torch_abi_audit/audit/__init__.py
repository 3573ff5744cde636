"""From a TARGET to its report: ``pipeline`` tells the story."""
