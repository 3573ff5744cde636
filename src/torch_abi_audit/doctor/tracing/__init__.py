"""Follows the Python sources of a package, as importing it would run them, without running them.

``imports.follow`` begins. ``values`` has what an expression may be known to be, ``expressions`` and
``calls`` work it out, ``statements`` walks, ``modules`` finds the file of a module.
"""
