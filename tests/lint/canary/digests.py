import hashlib
import os
import time
import uuid
import zlib
from datetime import datetime
from hashlib import sha256

import pandas as pd
from blake3 import blake3

sha256(str(time.time()).encode())  # expect: unstable-digest
hashlib.new("sha256", uuid.uuid4().bytes)  # expect: unstable-digest
blake3(os.urandom(8)).hexdigest()  # expect: unstable-digest
zlib.crc32(str(id(sha256)).encode())  # expect: unstable-digest
zlib.crc32(str(hash("a")).encode())  # expect: unstable-digest
payload_digest({"at": datetime.now().isoformat()})  # expect: unstable-digest
fingerprint(at=time.time_ns())  # expect: unstable-digest
computeSignature(uuid.uuid1())  # expect: unstable-digest
sha256(b"".join([b"a", os.urandom(4)])).update(b"b")  # expect: unstable-digest
sha256().update(os.urandom(8))  # expect: unstable-digest
sha256(time.strftime("%Y-%m-%d").encode())  # expect: unstable-digest
sha256(time.ctime().encode())  # expect: unstable-digest
run_digest(pd.Timestamp.now())  # expect: unstable-digest

sha256(time.strftime("%Y-%m-%d", when).encode())
sha256(time.ctime(when).encode())
sha256(b"what it is")
digest(payload)
verify_signature(time.time())
time.time()
uuid.uuid4()
log(time.time(), digest=sha256(b"a").hexdigest())
sha256(lambda: time.time())


def by_variable(data):
    now = datetime.now()  # expect: unstable-digest
    text = f"{now} {data}"
    return sha256(text.encode())


def by_parts(data):
    payload = {"data": data}
    payload["at"] = time.time()  # expect: unstable-digest
    payload["run"] += 1
    parts = [payload]
    parts.append(uuid.uuid4())  # expect: unstable-digest
    total = 0
    total += time.time()  # expect: unstable-digest
    return payload_digest(payload, parts, total)


def by_updates(data):
    running = hashlib.sha256()
    running.update(str(time.time()).encode())  # expect: unstable-digest
    self.hasher.update(os.urandom(3))  # expect: unstable-digest
    table.update(at=time.time())
    return running


def beside(self, data):
    self.began = time.time()
    began = time.time()
    key = sha256(data)
    return key, began, fingerprint(self.name)


def elsewhere():
    data = time.time()
    return data


def clock(time, uuid):
    return sha256(time.time(), uuid.uuid4())
