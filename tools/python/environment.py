"""Prepares the virtual environment below target/ and prints the path of its Python.

An environment is named after the hash of its requirements, so a change there makes a new one. It is
made under a lock: processes that ask at the same time wait for the one that makes it. Only Python's
standard library is used here, because this file runs before anything is installed.
"""

import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or HERE.parent.parent / "target")


def main():
    print(prepared(REQUIREMENTS, "an AWS emulator and Terraform from PyPI (once, about 70 MB)"))


def prepared(requirements, what):
    """The Python of the environment with these requirements."""
    if sys.version_info < (3, 10):
        sys.exit(f"Python 3.10 or newer is needed; {sys.executable} is {sys.version.split()[0]}.")
    # A hash of this Python, too: an environment made by another Python would not be found broken.
    made_of = requirements.read_bytes() + sys.version.encode() + sys.prefix.encode()
    environment = TARGET / f"venv-{hashlib.sha256(made_of).hexdigest()[:12]}"
    complete = environment / "complete"
    TARGET.mkdir(parents=True, exist_ok=True)
    with open(TARGET / "venv.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists():
            shutil.rmtree(environment, ignore_errors=True)
            say(f"Preparing {environment.name}: {what}")
            make(environment, requirements)
            complete.touch()
    return environment / "bin" / "python"


def make(environment, requirements):
    run(
        [sys.executable, "-m", "venv", environment],
        "Python's venv module does not work here; on Debian and Ubuntu it is in the package python3-venv.",
    )
    run(
        [
            *(environment / "bin" / "python", "-m", "pip", "install", "--quiet"),
            *("--disable-pip-version-check", "--require-hashes", "--requirement", requirements),
        ],
        f"PyPI could not deliver what {requirements.name} asks for: see pip's words above.",
    )


def run(command, explanation):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode != 0:
        say(result.stdout)
        sys.exit(explanation)


def say(text):
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
