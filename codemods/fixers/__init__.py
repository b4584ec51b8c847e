"""One module per codemod: the module's name is the codemod's name with underscores."""
