"""Reads which architectures the code for GPUs in a file was compiled for, from headers alone.

``fatbin`` walks CUDA's fat binaries, and ``collect`` makes the facts of the model from them.
``places`` says in which sections they stand; its names come from ``model.device_code``.
"""
