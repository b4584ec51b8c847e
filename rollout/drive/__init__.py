"""`failloud drive`: load on a host in three regimes and three modes; what is lost, and who was told."""
