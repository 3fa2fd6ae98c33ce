"""Stands in for Grafana, which no package here has: it reads the files that Grafana would
provision itself from, ends where one is not what Grafana takes, and is well otherwise.
What a panel looks like is not seen by it.
"""

import http.server
import json
import os
import signal
import sys
from pathlib import Path

import yaml

PROVISIONING = Path("/etc/grafana/provisioning")


def provisioned(kind, member):
    for path in sorted((PROVISIONING / kind).glob("*.yaml")):
        file = yaml.safe_load(path.read_text())
        assert file["apiVersion"] == 1, path
        yield from file[member]


def datasources_of(node):
    """The uid of every datasource that a dashboard's panels and variables name."""
    if isinstance(node, dict):
        source = node.get("datasource")
        if isinstance(source, dict):
            yield source["uid"]
        for child in node.values():
            yield from datasources_of(child)
    elif isinstance(node, list):
        for child in node:
            yield from datasources_of(child)


def read():
    sources = {source["uid"]: source for source in provisioned("datasources", "datasources")}
    for source in sources.values():
        assert source["type"] == "prometheus" and source["url"], source
    dashboards = []
    for provider in provisioned("dashboards", "providers"):
        assert provider["type"] == "file", provider
        for path in sorted(Path(provider["options"]["path"]).glob("*.json")):
            dashboard = json.loads(path.read_text())
            assert dashboard["title"] and dashboard["panels"], path
            for uid in datasources_of(dashboard):
                # A variable, or Grafana's own annotations.
                assert uid in sources or uid.startswith(("$", "-- ")), f"{path}: no datasource {uid}"
            dashboards.append(path)
    assert sources and dashboards, "nothing is provisioned"
    assert Path(os.environ["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]) in dashboards
    assert Path(os.environ["GF_SECURITY_ADMIN_PASSWORD__FILE"]).read_text()
    Path("/var/lib/grafana/grafana.db").write_text("")
    return [path.name for path in dashboards]


class Api(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"stand-in": DASHBOARDS}).encode()
        self.send_response(200 if self.path == "/api/health" else 404)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


# The first process of a container has no default for it.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
DASHBOARDS = read()
http.server.ThreadingHTTPServer(("", 3000), Api).serve_forever()
