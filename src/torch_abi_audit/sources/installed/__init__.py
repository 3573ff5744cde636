"""Targets that are installed.

- ``packages``: one package by its name or path; ``environment``: all of a site-packages directory
- ``distribution``: what a ``*.dist-info`` directory says; ``owned_files``: the files it claims
- ``imports``: where an import name lies; ``editable``: where an editable install has its sources
- ``interpreters``: another interpreter's environment
"""
