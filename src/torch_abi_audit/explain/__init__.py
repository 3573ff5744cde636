"""What a load error, a symbol, a label or a rule means: a pure question, asked in steps."""
