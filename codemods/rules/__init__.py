"""One module per audit rule: the module's name is the rule's name with underscores."""
