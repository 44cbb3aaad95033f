"""Flask or FastAPI with their defaults: what they run for a request, they say in the answer. End when their input ends.

python python-upstream.py flask|fastapi
"""
import os
import socket
import sys
import threading

METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]


def end_with_input():
    sys.stdin.read()
    os._exit(0)


def run_flask():
    from flask import Flask, Response, request
    from werkzeug.serving import make_server

    app = Flask(__name__)

    def run(name):
        return Response(request.get_data(), headers={"x-executed": name})

    @app.route("/v1/accounts:transfer", methods=["POST"])
    def transfer():
        return run("transfer")

    @app.route("/支付/转账", methods=METHODS)
    def chinese():
        return run("chinese")

    @app.route("/v1/pay", methods=["POST"])
    def pay():
        return run("pay")

    @app.route("/v1/query", methods=["GET"])
    def query():
        return run("query")

    @app.route("/v1/fund", methods=METHODS)
    @app.route("/v1/fund/<path:rest>", methods=METHODS)
    def fund(rest=""):
        return run("fund")

    @app.route("/v1/vault", methods=METHODS)
    def vault():
        return run("vault") if request.host.split(":")[0] == "pay.bank.test" else ("", 404)

    @app.route("/v1/role", methods=METHODS)
    def role():
        return run("role") if request.headers.get("x-role") == "user" else ("", 404)

    server = make_server("127.0.0.1", 0, app, threaded=True)
    print(server.server_port, flush=True)
    server.serve_forever()


def run_fastapi():
    import uvicorn
    from fastapi import FastAPI, Request, Response

    app = FastAPI()

    def handle(name):
        async def run(request: Request):
            return Response(await request.body(), headers={"x-executed": name})

        return run

    app.add_api_route("/v1/accounts:transfer", handle("transfer"), methods=["POST"])
    app.add_api_route("/支付/转账", handle("chinese"), methods=METHODS)
    app.add_api_route("/v1/pay", handle("pay"), methods=["POST"])
    app.add_api_route("/v1/query", handle("query"), methods=["GET"])
    app.add_api_route("/v1/fund", handle("fund"), methods=METHODS)
    app.add_api_route("/v1/fund/{rest:path}", handle("fund"), methods=METHODS)

    @app.api_route("/v1/vault", methods=METHODS)
    async def vault(request: Request):
        host = request.headers.get("host", "").split(":")[0]
        return await handle("vault")(request) if host == "pay.bank.test" else Response(status_code=404)

    @app.api_route("/v1/role", methods=METHODS)
    async def role(request: Request):
        return await handle("role")(request) if request.headers.get("x-role") == "user" else Response(status_code=404)

    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(128)
    print(listening.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listening])


threading.Thread(target=end_with_input, daemon=True).start()
{"flask": run_flask, "fastapi": run_fastapi}[sys.argv[1]]()
