"""Audits what a TARGET stands for; start reading at ``pipeline``."""
