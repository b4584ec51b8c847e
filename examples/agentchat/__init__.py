"""agentchat: a small agent platform that shows what its agents do, and loses events without a word."""

__version__ = "1.0.0"
