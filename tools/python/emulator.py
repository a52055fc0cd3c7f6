"""Serves an emulated AWS on a free loopback port, and ends when standard input does.

Prints one JSON line, `{"port": 12345}`, once the emulator answers. Whoever started it holds
the other end of standard input: however that process ends, the emulator ends with it. Unless it writes
`keep` there first: then the emulator stays until it is terminated.

Signatures and identity policies are checked. A key of twelve digits is the root user of that account.
"""

import json
import os
import shutil
import socket
import sys
import tempfile
import threading
import time
import urllib.request

SETTINGS = {
    "AUTH": "true",
    "BIND_HOST": "127.0.0.1",
    "IOT_MTLS_ENABLED": "0",
    "LOG_LEVEL": "ERROR",
    "SERVICES": "s3,kms,iam,sts",
    "SFTP_ENABLED": "0",
}


def main():
    answers = os.dup(1)
    os.dup2(2, 1)  # What the emulator prints belongs in the log, not in the answer.
    with tempfile.TemporaryDirectory(prefix="replicated-emulator-") as scratch:
        os.chdir(scratch)
        port = free_port()
        os.environ.update(SETTINGS, GATEWAY_PORT=str(port), HOME=scratch, TMPDIR=scratch)
        tempfile.tempdir = scratch
        threading.Thread(target=announce, args=(port, answers), daemon=True).start()
        threading.Thread(target=end_with_parent, args=(scratch,), daemon=True).start()
        sys.argv = ["ministack"]
        from ministack.app import main as serve

        serve()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def announce(port, answers):
    while not healthy(port):
        time.sleep(0.02)
    os.write(answers, (json.dumps({"port": port}) + "\n").encode())
    os.close(answers)


def healthy(port):
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{port}/_ministack/health", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def end_with_parent(scratch):
    while received := os.read(0, 1024):
        if received.startswith(b"keep"):
            return
    os.chdir("/")
    shutil.rmtree(scratch, ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":
    main()
