"""`python -m agentchat --port N`: run the server; with port 0 it takes a free port and says which."""

from __future__ import annotations

import argparse
import logging
import sys
from contextlib import closing

from agentchat.app import create_app
from agentchat.serving import listen, server_for


def main() -> None:
    parser = argparse.ArgumentParser(prog="agentchat", description="A small agent platform with a live page.")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on; 0 takes a free one (default 8000)")
    parser.add_argument("--pace", type=float, default=0.3, help="seconds an agent takes for a step (default 0.3)")
    parser.add_argument("--log-level", default="INFO", choices=["DEBUG", "INFO", "WARNING", "ERROR"])
    options = parser.parse_args()
    logging.basicConfig(level=options.log_level, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    with closing(listen(options.port)) as listening:
        sys.stdout.write(f"listening on http://127.0.0.1:{listening.getsockname()[1]}\n")
        sys.stdout.flush()
        server_for(create_app(options.pace), options.log_level.lower()).run(sockets=[listening])


if __name__ == "__main__":
    main()
