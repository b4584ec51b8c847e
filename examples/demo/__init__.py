"""The demonstration: the example host from silent to loud and back, with a real server, sockets and clients."""
