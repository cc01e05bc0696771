"""What answers in place of a Kubernetes API server: always the same, to whatever is asked."""

import contextlib
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CONTEXT = """
apiVersion: v1
kind: Config
clusters: [{{name: there, cluster: {{server: "{server}"}}}}]
users: [{{name: me, user: {{}}}}]
contexts: [{{name: it, context: {{cluster: there, user: me, namespace: team-a}}}}]
current-context: it
"""


@contextlib.contextmanager
def answering(code: int, body: str, *, folder: Path, content_type: str = "application/json") -> Iterator[str]:
    """Yield the path of a kubeconfig, in the folder, for what answers so."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(code)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        kubeconfig = folder / "kubeconfig"
        kubeconfig.write_text(CONTEXT.format(server=f"http://127.0.0.1:{server.server_port}"))
        try:
            yield str(kubeconfig)
        finally:
            server.shutdown()


def status(**told: Any) -> str:
    """Return a Status (meta/v1) as the API server writes it."""
    return json.dumps({"kind": "Status", "apiVersion": "v1", "status": "Failure", **told})
