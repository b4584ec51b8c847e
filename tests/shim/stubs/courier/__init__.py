"""A small host that fails in silence, in every shape a contract can name. Written for these tests."""

VERSION = "2.1.0"
