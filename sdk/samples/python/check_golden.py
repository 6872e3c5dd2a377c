"""Verifies the requests on standard input as verify.py does, and prints what became of each: `python3 check_golden.py < requests.json`."""

import json
import sys

from verify import VerificationError, verify, verify_inbox

results = []
for request in json.load(sys.stdin):
    body = request["body"].encode()
    try:
        if request["scheme"] == "x-inbox-signature":
            payload = verify_inbox(body, request["headers"], request["secret"])
        else:
            payload = verify(body, request["headers"], request["secret"], now=request["now"])
        results.append({"name": request["name"], "payload": payload})
    except VerificationError as error:
        results.append({"name": request["name"], "refused": str(error)})
json.dump(results, sys.stdout)
