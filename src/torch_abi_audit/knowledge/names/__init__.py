"""The meaning of names of files, libraries, distributions and requirements; decided only here."""
