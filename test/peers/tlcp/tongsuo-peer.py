"""Connections of Tongsuo (BabaSSL 8.3.2) by ctypes, from the shared object in the wheel tongsuopy-crayon, over memory: JSON lines in and out, bytes hex.
{"op": "context", "server": bool, "suite": name, "ca": file, "pair": [sign certificate, sign key, encryption certificate, encryption key] or null, "verify": bool, "tickets": bool, "bare": no authorities are looked for and sent} -> id
{"op": "open", "context": id, "session": id or null}; {"op": "feed", "connection": id, "data"}; {"op": "write", "connection": id, "data"}; {"op": "close", "connection": id}
-> {"out", "plain", "state": handshake | open | closed | failed, "error", "suite", "resumed", "nanos": processor time of the library}; {"op": "session", "connection": id} -> id of a session, to be resumed"""
import ctypes
import glob
import importlib.util
import json
import os
import sys
import time
from ctypes import c_char_p, c_int, c_long, c_size_t, c_uint, c_ulong, c_void_p, create_string_buffer

spec = importlib.util.find_spec("tongsuopy")
lib = ctypes.CDLL(glob.glob(os.path.join(spec.submodule_search_locations[0], "backends", "_tongsuo*.so"))[0])
P, S, I, Z, N = c_void_p, c_char_p, c_int, c_size_t, None


def declare(name, result, *arguments):
    function = getattr(lib, name)
    function.restype, function.argtypes = result, list(arguments)
    return function


client_method, server_method = declare("NTLS_client_method", P), declare("NTLS_server_method", P)
new_context, new_ssl, free = declare("SSL_CTX_new", P, P), declare("SSL_new", P, P), declare("SSL_free", N, P)
enable_ntls = declare("SSL_CTX_enable_ntls", N, P)
set_suites = declare("SSL_CTX_set_cipher_list", I, P, S)
use_sign, use_sign_key = declare("SSL_CTX_use_sign_certificate_file", I, P, S, I), declare("SSL_CTX_use_sign_PrivateKey_file", I, P, S, I)
use_encrypt, use_encrypt_key = declare("SSL_CTX_use_enc_certificate_file", I, P, S, I), declare("SSL_CTX_use_enc_PrivateKey_file", I, P, S, I)
load_anchors = declare("SSL_CTX_load_verify_locations", I, P, S, S)
set_verify = declare("SSL_CTX_set_verify", N, P, I, P)
load_names, set_names = declare("SSL_load_client_CA_file", P, S), declare("SSL_CTX_set_client_CA_list", N, P, P)
set_options = declare("SSL_CTX_set_options", c_long, P, c_long)
set_session_context = declare("SSL_CTX_set_session_id_context", I, P, S, c_uint)
new_bio, memory = declare("BIO_new", P, P), declare("BIO_s_mem", P)
bio_read, bio_write, bio_pending = declare("BIO_read", I, P, P, I), declare("BIO_write", I, P, S, I), declare("BIO_ctrl_pending", Z, P)
bio_control = declare("BIO_ctrl", c_long, P, I, c_long, P)
set_bio = declare("SSL_set_bio", N, P, P, P)
as_client, as_server = declare("SSL_set_connect_state", N, P), declare("SSL_set_accept_state", N, P)
handshake, read, write, shutdown = declare("SSL_do_handshake", I, P), declare("SSL_read", I, P, P, I), declare("SSL_write", I, P, S, I), declare("SSL_shutdown", I, P)
error_of, next_error, error_text, clear_errors = declare("SSL_get_error", I, P, I), declare("ERR_get_error", c_ulong), declare("ERR_error_string_n", N, c_ulong, P, Z), declare("ERR_clear_error", N)
resumed, suite_of, suite_id = declare("SSL_session_reused", I, P), declare("SSL_get_current_cipher", P, P), declare("SSL_CIPHER_get_id", c_uint, P)
take_session, set_session = declare("SSL_get1_session", P, P), declare("SSL_set_session", I, P, P)
renegotiate = declare("SSL_renegotiate", I, P)

PEM, NO_TICKET, WANT_READ, ZERO_RETURN, SERVER_CACHE = 1, 0x4000, 2, 6, 2
SET_CACHE_MODE, EOF_IS_RETRY = 44, 130
MODE, NO_AUTO_CHAIN = 33, 8
set_cache = declare("SSL_CTX_ctrl", c_long, P, I, c_long, P)
contexts, connections, sessions = [], [], []


def need(good):
    if good is None or good <= 0:
        raise ValueError(errors())
    return good


def errors():
    found = []
    while True:
        code = next_error()
        if code == 0:
            return "; ".join(found)
        text = create_string_buffer(256)
        error_text(code, text, 256)
        found.append(text.value.decode())


def context(question):
    server = question["server"]
    made = need(new_context(server_method() if server else client_method()))
    enable_ntls(made)
    need(set_suites(made, question["suite"].encode()))
    if question["pair"]:
        files = [name.encode() for name in question["pair"]]
        need(use_sign(made, files[0], PEM)), need(use_sign_key(made, files[1], PEM))
        need(use_encrypt(made, files[2], PEM)), need(use_encrypt_key(made, files[3], PEM))
    anchors = question["ca"].encode()
    need(load_anchors(made, anchors, None))
    if server:
        set_names(made, load_names(anchors))
        set_session_context(made, b"fim", 3)
        set_cache(made, SET_CACHE_MODE, SERVER_CACHE, None)
    set_verify(made, (3 if server else 1) if question["verify"] else 0, None)
    if question.get("bare"):
        set_cache(made, MODE, NO_AUTO_CHAIN, None)
    if not question["tickets"]:
        set_options(made, NO_TICKET)
    contexts.append((made, server))
    return len(contexts) - 1


class Connection:
    def __init__(self, made, server, session):
        self.ssl, self.incoming, self.outgoing = new_ssl(made), new_bio(memory()), new_bio(memory())
        bio_control(self.incoming, EOF_IS_RETRY, -1, None)
        set_bio(self.ssl, self.incoming, self.outgoing)
        if session is not None:
            need(set_session(self.ssl, session))
        (as_server if server else as_client)(self.ssl)
        self.state, self.error, self.nanos = "handshake", "", 0

    def step(self):
        """As far as it goes with what is there. The application's bytes."""
        plain = b""
        while self.state in ("handshake", "open"):
            clear_errors()
            buffer = create_string_buffer(65536)
            opening = self.state == "handshake"
            started = time.thread_time_ns()
            result = handshake(self.ssl) if opening else read(self.ssl, buffer, len(buffer))
            self.nanos += time.thread_time_ns() - started
            if result > 0:
                if opening:
                    self.state = "open"
                else:
                    plain += buffer.raw[:result]
                continue
            kind = error_of(self.ssl, result)
            if kind == WANT_READ:
                break
            self.state, self.error = ("closed", "") if kind == ZERO_RETURN else ("failed", errors())
        return plain

    def answer(self):
        plain = self.step()
        size = bio_pending(self.outgoing)
        buffer = create_string_buffer(max(size, 1))
        if size:
            bio_read(self.outgoing, buffer, size)
        suite = suite_of(self.ssl)
        return {
            "out": buffer.raw[:size].hex(), "plain": plain.hex(), "state": self.state, "error": self.error,
            "suite": suite_id(suite) & 0xFFFF if suite else 0, "resumed": bool(resumed(self.ssl)), "nanos": self.nanos,
        }


def handle(question):
    op = question["op"]
    if op == "context":
        return context(question)
    if op == "open":
        made, server = contexts[question["context"]]
        session = question["session"]
        connections.append(Connection(made, server, None if session is None else sessions[session]))
        return {"connection": len(connections) - 1, **connections[-1].answer()}
    if op == "forget":
        free(connections[question["connection"]].ssl)
        connections[question["connection"]] = None
        return None
    connection = connections[question["connection"]]
    if op == "session":
        sessions.append(need(take_session(connection.ssl)))
        return len(sessions) - 1
    data = bytes.fromhex(question.get("data", ""))
    if op == "feed":
        bio_write(connection.incoming, data, len(data))
    elif op == "write":
        need(write(connection.ssl, data, len(data)))
    elif op == "close":
        shutdown(connection.ssl)
    elif op == "renegotiate":
        need(renegotiate(connection.ssl))
        handshake(connection.ssl)
    return connection.answer()


for line in sys.stdin:
    try:
        reply = {"result": handle(json.loads(line))}
    except Exception as error:
        clear_errors()
        reply = {"error": str(error)}
    print(json.dumps(reply), flush=True)
