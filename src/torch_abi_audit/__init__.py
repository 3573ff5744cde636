"""Reads compiled PyTorch extensions and judges which stable ABIs they keep to."""

from __future__ import annotations

__version__ = "0.1.0"
