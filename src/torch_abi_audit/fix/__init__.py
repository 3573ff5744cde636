"""The right requirement on torch in a project: pure, from the text of a file to the new text."""
