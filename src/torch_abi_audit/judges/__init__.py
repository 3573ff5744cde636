"""From facts to verdicts: one module for each question. No I/O."""
