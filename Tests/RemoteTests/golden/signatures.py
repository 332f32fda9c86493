"""Makes signatures.json: requests signed by botocore, the signer of Amazon's own command.

    python signatures.py > signatures.json
"""

import datetime
import hashlib
import json

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

TIME = datetime.datetime(2026, 11, 22, 9, 8, 7, tzinfo=datetime.timezone.utc)
botocore.auth.get_current_datetime = lambda: TIME.replace(tzinfo=None)

CASES = [
    ("GET", "https://bucket.s3.eu-west-1.amazonaws.com/data/shard.00000.mds", {}, b"", None),
    ("GET", "https://bucket.s3.eu-west-1.amazonaws.com/data/shard.00000.mds", {}, b"", "a/session+token=="),
    ("GET", "https://bucket.s3.eu-west-1.amazonaws.com/a%20b/%C3%A9%2B%25~x_y-z.npz", {"range": "bytes=5-"}, b"", None),
    ("GET", "http://127.0.0.1:9000/bucket/x", {"if-none-match": "\"abc\""}, b"", None),
    ("GET", "https://bucket.s3.eu-west-1.amazonaws.com/?delimiter=%2F&encoding-type=url&list-type=2&prefix=data%2Fx%20y",
     {}, b"", None),
    ("GET", "https://bucket.s3.eu-west-1.amazonaws.com/?prefix=&list-type=2&continuation-token=1%2Fa%2Bb%3D%3D",
     {}, b"", "token"),
    ("PUT", "https://bucket.s3.eu-west-1.amazonaws.com/result.json", {"content-type": "application/json"},
     b'{"rmse": 0.9}', None),
    ("PUT", "https://s3.eu-west-1.amazonaws.com/dotted.bucket/empty", {"x-amz-meta-note": "two   spaces"}, b"", None),
]

result = []
for method, url, headers, body, token in CASES:
    request = AWSRequest(method=method, url=url, headers=dict(headers), data=body)
    # Over https botocore would leave the body unsigned; the service takes both.
    request.context["payload_signing_enabled"] = True
    signer = botocore.auth.S3SigV4Auth(Credentials("AKIDEXAMPLE", "secret/KEY+example", token), "s3", "eu-west-1")
    signer.add_auth(request)
    result.append({
        "method": method, "url": url, "headers": headers, "payload": hashlib.sha256(body).hexdigest(), "token": token,
        "authorization": request.headers["Authorization"], "date": request.headers["X-Amz-Date"],
    })
print(json.dumps(result, indent=1))
