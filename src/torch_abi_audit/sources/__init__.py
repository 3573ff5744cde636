"""What a TARGET means: names, directories, files and archives, as libraries that can be read."""
