"""Files and directories, and positioned reads of them."""
