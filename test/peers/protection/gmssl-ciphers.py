"""SM4, HMAC-SM3 and SM2 of GmSSL 3 through the wheel gmssl-pyx; `counterparty.py` loads it. What does not open raises ValueError."""
import gmssl_pyx as gmssl

NAMES = ("sm4_gcm", "sm4_cbc", "sm4_ctr")


def refusing(function, *arguments):
    try:
        return function(*arguments)
    except gmssl.GmsslInnerError as error:
        raise ValueError("refused") from error


def gcm_seal(name, key, iv, aad, text):
    return gmssl.sm4_gcm_encrypt(key, iv, aad, text)


def gcm_open(name, key, iv, aad, ciphertext, tag):
    return refusing(gmssl.sm4_gcm_decrypt, key, iv, aad, ciphertext, tag)


def crypt(name, key, iv, data, encrypting):
    padding = "padding_" if name == "sm4_cbc" else ""
    return refusing(getattr(gmssl, f"{name}_{padding}{'encrypt' if encrypting else 'decrypt'}"), key, iv, data)


def hmac(key, data):
    return gmssl.sm3_hmac(key, data)


def hkdf(key, info, length):
    """RFC 5869 without salt, up to one block, which the wheel does not offer, from its HMAC."""
    assert length <= 32
    return hmac(hmac(bytes(32), key), info + b"\x01")[:length]


def sm2_encrypt(public, text):
    return gmssl.sm2_encrypt(bytes.fromhex(public)[1:], text)


def sm2_decrypt(public, secret, ciphertext):
    return refusing(gmssl.sm2_decrypt, bytes.fromhex(secret), ciphertext)


def sm2_sign(public, secret, user_id, data):
    return gmssl.sm2_sign(bytes.fromhex(secret), bytes.fromhex(public)[1:], data, user_id)


def sm2_verify(public, user_id, data, signature):
    try:
        return bool(gmssl.sm2_verify(bytes.fromhex(public)[1:], data, signature, user_id))
    except gmssl.GmsslInnerError:
        return False
