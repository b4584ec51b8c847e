"""`failloud flow`: where a loud failure ends, across calls."""
