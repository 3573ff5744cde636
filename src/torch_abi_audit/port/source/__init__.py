"""Reads a project's C++ and CUDA sources and its build files: what to write, and where."""
