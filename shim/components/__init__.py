"""Mixins for the paths of a host class that cannot be seen from outside."""
