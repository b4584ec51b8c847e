"""Codemods: find the call sites that would ignore or swallow a loud failure, and migrate them."""
