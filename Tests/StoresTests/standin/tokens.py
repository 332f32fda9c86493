"""JSON Web Tokens signed with HS256, as docs/references/auth.rst of PostgREST has them; the standard library alone.

`python tokens.py SECRET ROLE [SECONDS]` prints a token of that role, which expires so many seconds from now.
"""

import base64
import hashlib
import hmac
import json
import sys
import time

from grammar import Failure

SKEW = 30
HEADER = {"alg": "HS256", "typ": "JWT"}


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def signature(secret: str, signed: str) -> bytes:
    return hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()


def mint(secret: str, claims: dict) -> str:
    """A signed token."""
    signed = ".".join(encode(json.dumps(part, separators=(",", ":")).encode()) for part in (HEADER, claims))
    return f"{signed}.{encode(signature(secret, signed))}"


def refused(code: str, message: str, details=None) -> Failure:
    challenge = f'Bearer error="invalid_token", error_description="{message}"'
    return Failure(401, code, message, details, headers=[("WWW-Authenticate", challenge)])


def signed_claims(token: str, secret: str) -> dict:
    """The claims of a token with a good signature."""
    parts = token.split(".")
    if not token:
        raise refused("PGRST301", "Empty JWT is sent in Authorization header")
    if len(parts) != 3:
        raise refused("PGRST301", f"Expected 3 parts in JWT; got {len(parts)}")
    try:
        algorithm, given = json.loads(decode(parts[0]))["alg"], decode(parts[2])
    except (ValueError, KeyError, TypeError):
        raise refused("PGRST301", "JWT cryptographic operation failed")
    if algorithm != "HS256":
        raise refused("PGRST301", "Wrong or unsupported encoding algorithm")
    if not hmac.compare_digest(given, signature(secret, f"{parts[0]}.{parts[1]}")):
        raise refused("PGRST301", "No suitable key or wrong key type", "None of the keys was able to decode the JWT")
    try:
        claims = json.loads(decode(parts[1]))
    except ValueError:
        claims = None
    if not isinstance(claims, dict):
        raise refused("PGRST303", "Parsing claims failed")
    return claims


def verify(token: str, secret: str) -> dict:
    """The claims of a token that is signed and of this time."""
    claims, now = signed_claims(token, secret), time.time()
    for name in ("exp", "nbf", "iat"):
        if claims.get(name) is not None and type(claims[name]) not in (int, float):
            raise refused("PGRST303", f"The JWT '{name}' claim must be a number")
    if (claims.get("exp") or now) < now - SKEW:
        raise refused("PGRST303", "JWT expired")
    if (claims.get("nbf") or now) > now + SKEW:
        raise refused("PGRST303", "JWT not yet valid")
    if (claims.get("iat") or now) > now + SKEW:
        raise refused("PGRST303", "JWT issued at future")
    return claims


if __name__ == "__main__":
    seconds = int(sys.argv[3]) if len(sys.argv) > 3 else 10 * 365 * 86400
    print(mint(sys.argv[1], {"iss": "supabase", "role": sys.argv[2], "exp": int(time.time()) + seconds}))
