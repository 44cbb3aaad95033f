"""Connections of GmSSL 3.1 by ctypes: python3 gmssl-peer.py libgmssl.so. JSON lines as tongsuo-peer.py has them. The library reads and writes a socket and blocks, so every
connection has a thread, and an answer is given when the thread waits for bytes and none are left. It knows one suite, no resumption, and clients have a certificate for signatures alone."""
import base64
import ctypes
import fcntl
import json
import os
import socket
import struct
import sys
import tempfile
import termios
import threading
import time

lib = ctypes.CDLL(sys.argv[1])
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
P, S, I, Z = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t
for name, arguments in {
    "tls_ctx_init": [P, I, I], "tls_ctx_set_cipher_suites": [P, P, Z], "tls_ctx_set_ca_certificates": [P, S, I], "tls_ctx_set_certificate_and_key": [P, S, S, S],
    "tls_ctx_set_tlcp_server_certificate_and_keys": [P, S, S, S, S, S], "tls_init": [P, P], "tls_set_socket": [P, I], "tls_do_handshake": [P],
    "tls_send": [P, P, Z, P], "tls_recv": [P, P, Z, P], "tls_shutdown": [P], "sm2_key_set_private_key": [P, P], "sm2_private_key_info_encrypt_to_pem": [P, S, P],
}.items():
    getattr(lib, name).argtypes = arguments
libc.fopen.argtypes, libc.fclose.argtypes = [S, S], [P]
PROTOCOL, SUITE, DEPTH, PASSWORD = 0x0101, 0xE013, 4, b"of a test"
CONTEXT_ROOM, CONNECTION_ROOM, KEY_ROOM = 8192, 131072, 4096  # more than the structures take
READS = (0, 45, 63, 207)  # read and recvfrom, on x86-64 and on arm64
CLOSING_SECONDS = 0.02
folder = tempfile.mkdtemp()
contexts, connections = [], []


def need(good, what):
    if good != 1:
        raise ValueError(what)


def encrypted(file):
    """Path of the key under a password: the library reads no others."""
    key, path = ctypes.create_string_buffer(KEY_ROOM), os.path.join(folder, str(len(os.listdir(folder))))
    with open(file) as source:
        der = base64.b64decode("".join(line for line in source.read().split("\n") if "-----" not in line))
    at = der.index(b"\x02\x01\x01\x04\x20") + 5  # version 1 and the scalar, in the ECPrivateKey
    need(lib.sm2_key_set_private_key(key, der[at : at + 32]), "the key is not taken")
    made = libc.fopen(path.encode(), b"w")
    need(lib.sm2_private_key_info_encrypt_to_pem(key, PASSWORD, made), "the key cannot be encrypted")
    libc.fclose(made)
    return path.encode()


def joined(files):
    path = os.path.join(folder, str(len(os.listdir(folder))))
    with open(path, "wb") as made:
        made.write(b"".join(open(file, "rb").read() for file in files))
    return path.encode()


def context(question):
    made, server, pair = ctypes.create_string_buffer(CONTEXT_ROOM), question["server"], question["pair"]
    need(lib.tls_ctx_init(made, PROTOCOL, 0 if server else 1), "no context")
    suites = (ctypes.c_int * 1)(SUITE)
    need(lib.tls_ctx_set_cipher_suites(made, suites, 1), "no suite")
    # A server with anchors asks for a certificate.
    if question["verify"] or not server:
        need(lib.tls_ctx_set_ca_certificates(made, question["ca"].encode(), DEPTH), "no anchors")
    if server:
        need(lib.tls_ctx_set_tlcp_server_certificate_and_keys(made, joined([pair[0], pair[2]]), encrypted(pair[1]), PASSWORD, encrypted(pair[3]), PASSWORD), "no pair")
    elif pair:
        need(lib.tls_ctx_set_certificate_and_key(made, pair[0].encode(), encrypted(pair[1]), PASSWORD), "no certificate")
    contexts.append(made)
    return len(contexts) - 1


class Connection:
    def __init__(self, made):
        self.near, self.far = socket.socketpair()
        self.near.setblocking(False)
        self.connection = ctypes.create_string_buffer(CONNECTION_ROOM)
        need(lib.tls_init(self.connection, made), "no connection")
        need(lib.tls_set_socket(self.connection, self.far.fileno()), "no socket")
        self.state, self.plain, self.thread_id = "handshake", b"", None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        self.thread_id = threading.get_native_id()
        if lib.tls_do_handshake(self.connection) != 1:
            self.state = "failed"
        else:
            self.state = "open"
        size = ctypes.c_size_t(0)
        buffer = ctypes.create_string_buffer(65536)
        while self.state == "open":
            result = lib.tls_recv(self.connection, buffer, len(buffer), ctypes.byref(size))
            if result == 1:
                self.plain += buffer.raw[: size.value]
            else:
                self.state = "closed"  # it does not tell a close_notify from other ends
        self.far.shutdown(socket.SHUT_RDWR)

    def settle(self):
        """Until the thread waits in the system for bytes of its socket, and none are there, or has ended."""
        while self.thread.is_alive():
            left = struct.unpack("i", fcntl.ioctl(self.far.fileno(), termios.FIONREAD, b"    "))[0]
            if self.thread_id and left == 0:
                try:
                    with open(f"/proc/self/task/{self.thread_id}/syscall") as now:
                        said = now.read().split()
                except (FileNotFoundError, ProcessLookupError):  # it has ended since it was asked for
                    said = []
                if len(said) > 1 and int(said[0]) in READS and int(said[1], 16) == self.far.fileno():
                    return
            time.sleep(0.0002)

    def answer(self):
        self.settle()
        out = b""
        try:
            while piece := self.near.recv(65536):
                out += piece
        except (BlockingIOError, ConnectionError):
            pass
        plain, self.plain = self.plain, b""
        done = self.state in ("open", "closed")
        return {"out": out.hex(), "plain": plain.hex(), "state": self.state, "error": "", "suite": SUITE if done else 0, "resumed": False, "nanos": 0}


def handle(question):
    op = question["op"]
    if op == "context":
        return context(question)
    if op == "open":
        connections.append(Connection(contexts[question["context"]]))
        return {"connection": len(connections) - 1, **connections[-1].answer()}
    connection = connections[question["connection"]]
    data, sent = bytes.fromhex(question.get("data", "")), ctypes.c_size_t(0)
    if op == "feed":
        try:
            connection.near.sendall(data)
        except OSError:
            pass  # it has ended
    elif op == "write":
        while data:
            need(lib.tls_send(connection.connection, data, len(data), ctypes.byref(sent)), "not sent")
            data = data[sent.value:]
    elif op == "close":
        threading.Thread(target=lib.tls_shutdown, args=[connection.connection], daemon=True).start()  # it waits for the other's
        time.sleep(CLOSING_SECONDS)
    elif op == "forget":
        connection.near.close()
        return None
    return connection.answer()


for line in sys.stdin:
    try:
        reply = {"result": handle(json.loads(line))}
    except Exception as error:
        reply = {"error": str(error)}
    print(json.dumps(reply), flush=True)
