"""Python's own server, as scripts use it: it compares the decoded path. What it runs for a request, it says in the answer. Ends when its input ends."""
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit


def code_for(method, path, headers):
    if path == "/v1/accounts:transfer" and method == "POST":
        return "transfer"
    if path == "/支付/转账":
        return "chinese"
    if path == "/v1/pay" and method == "POST":
        return "pay"
    if path == "/v1/query" and method in ("GET", "HEAD"):
        return "query"
    if path == "/v1/fund" or path.startswith("/v1/fund/"):
        return "fund"
    if path == "/v1/vault" and (headers.get("host") or "").split(":")[0].rstrip(".").lower() == "pay.bank.test":
        return "vault"
    if path == "/v1/role" and headers.get("x-role") == "user":
        return "role"
    return None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def answer(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        code = code_for(self.command, unquote(urlsplit(self.path).path), self.headers)
        self.send_response(200 if code else 404)
        if code:
            self.send_header("x-executed", code)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def end_with_input():
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=end_with_input, daemon=True).start()
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
