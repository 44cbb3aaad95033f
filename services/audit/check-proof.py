#!/usr/bin/env python3
"""Checks a proof of `fim audit prove`: python3 check-proof.py PROOF.json KEY.pem. Needs OpenSSL 3, nothing of FIM."""
import base64, json, subprocess, sys, tempfile


def sm3(data):
    return subprocess.run(["openssl", "dgst", "-sm3", "-binary"], input=data, capture_output=True, check=True).stdout


def root_of(leaf, index, size, path):
    """RFC 9162, section 2.1.3.2."""
    node, at, last = sm3(b"\0" + leaf), index, size - 1
    for other in path:
        assert last > 0, "the path is too long"
        if at % 2 or at == last:
            node = sm3(b"\1" + other + node)
            while at % 2 == 0 and at:
                at, last = at // 2, last // 2
        else:
            node = sm3(b"\1" + node + other)
        at, last = at // 2, last // 2
    assert last == 0, "the path is too short"
    return node


proof = json.load(open(sys.argv[1], encoding="utf-8"))
text, _, signatures = proof["checkpoint"].partition("\n\n")
origin, size, root = (text + "\n").split("\n")[:3]
assert origin == proof["origin"] and int(size) == proof["size"] > proof["index"], "another checkpoint"
path = [bytes.fromhex(step) for step in proof["path"]]
assert root_of(proof["line"].encode(), proof["index"], proof["size"], path) == base64.b64decode(root), "another root"
signature = base64.b64decode(signatures.split()[2])[4:]
with tempfile.NamedTemporaryFile() as note, tempfile.NamedTemporaryFile() as signed:
    for file, data in ((note, (text + "\n").encode()), (signed, signature)):
        file.write(data)
        file.flush()
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", sys.argv[2], "-rawin", "-digest", "sm3"]
    command += ["-pkeyopt", "distid:1234567812345678", "-in", note.name, "-sigfile", signed.name]
    assert subprocess.run(command, capture_output=True).returncode == 0, "the signature is not of this key"
print(f"record {proof['index']} is one of {size} of {origin}")
