"""Installed targets.

- ``packages``: one package by name or path; ``environment``: a whole site-packages directory
- ``distribution``: the contents of a ``*.dist-info`` directory; ``owned_files``: the files it lists
- ``imports``: the location of an import name; ``editable``: the sources of an editable install
- ``virtual_environment``: the ``pyvenv.cfg`` of an environment
- ``interpreters``: another interpreter's environment
- ``torch_version``: the version of an installed torch
"""
