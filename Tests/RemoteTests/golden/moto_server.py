"""An S3 service in this process (https://github.com/getmoto/moto), with keys that may do everything in it or nothing, and the
keys of a session.

Prints its port and the keys, serves until its standard input ends. From then on it checks every signature.
"""

import json
import sys

try:
    import boto3
    import requests
    from moto.server import ThreadedMotoServer
except ImportError as error:
    print(json.dumps({"missing": str(error)}), flush=True)
    sys.exit()

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
port = server.get_host_and_port()[1]
url = f"http://127.0.0.1:{port}"
root = dict(endpoint_url=url, region_name="us-east-1", aws_access_key_id="root", aws_secret_access_key="root")

s3 = boto3.client("s3", **root)
s3.create_bucket(Bucket="shards")
for i in range(10):
    s3.put_object(Bucket="shards", Key=f"data/shard.{i:05}.mds", Body=bytes([i]) * (100 + i))
# Of names with other characters than these moto finds the signatures wrong, those of Amazon's own client too.
name = "data/a name~.bin"
s3.put_object(Bucket="shards", Key=name, Body=name.encode())
s3.put_object(Bucket="shards", Key="large.bin", Body=bytes(range(256)) * 16384)

iam = boto3.client("iam", **root)
iam.create_user(UserName="reader")
everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
iam.put_user_policy(UserName="reader", PolicyName="all", PolicyDocument=json.dumps(everything))
keys = iam.create_access_key(UserName="reader")["AccessKey"]
iam.create_user(UserName="nobody")
other = iam.create_access_key(UserName="nobody")["AccessKey"]
role = iam.create_role(RoleName="job", AssumeRolePolicyDocument="{}")["Role"]
iam.put_role_policy(RoleName="job", PolicyName="all", PolicyDocument=json.dumps(everything))
session = boto3.client("sts", **root).assume_role(RoleArn=role["Arn"], RoleSessionName="test")["Credentials"]

requests.post(url + "/moto-api/reset-auth", data="0", timeout=10)
print(json.dumps({
    "port": port,
    "id": keys["AccessKeyId"], "secret": keys["SecretAccessKey"],
    "other_id": other["AccessKeyId"], "other_secret": other["SecretAccessKey"],
    "session_id": session["AccessKeyId"], "session_secret": session["SecretAccessKey"],
    "session_token": session["SessionToken"],
}), flush=True)
sys.stdin.read()
