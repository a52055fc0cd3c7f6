"""Runs the tests, and says at the end what each Terraform client showed.

Usage: clients.py core CARGO    all tests; the acceptance cases with the client of PATH and Terraform 1.15
       clients.py all CARGO     the acceptance cases with every client: those of clients/, and the tofu of $TOFU

With `all`, $CASES narrows the cases to those whose names contain one of its words. A client is put in front of PATH,
so that the cases named `terraform_path` meet it.
"""

import collections
import os
import pathlib
import re
import shlex
import subprocess
import sys

import environment

HERE = pathlib.Path(__file__).resolve().parent
ON_PATH, NEWEST = "::terraform_path", "::terraform_1_15"
RESULT = re.compile(r"test (\S+?)(::terraform_path|::terraform_1_15) \.\.\. (ok|FAILED)")
# What suites say of themselves; said again at the end.
SUMMARY = re.compile(r"^(?:backfill|drift|evaluated|faults|fault sample|fault table|fuzz|histories|imports|permissions): .*", re.MULTILINE)
CLOSING = set()
LEFT_OUT = re.compile(r"left out: ([^:]+): \S+(::terraform_path|::terraform_1_15)")


class Showed:
    """What one client showed in a run."""

    def __init__(self):
        self.passed, self.failed, self.left_out = 0, 0, collections.Counter()

    def __str__(self):
        words = [f"{self.passed - self.left_out.total()} passed"]
        if self.failed:
            words.append(f"{self.failed} failed")
        if self.left_out:
            words.append("left out: " + ", ".join(sorted(self.left_out)))
        return ", ".join(words)


def main():
    kind, cargo = sys.argv[1:]
    runs = {"core": core, "all": every}[kind](shlex.split(cargo))
    print()
    for line in sorted(CLOSING):
        print(line)
    for client, showed, _ in runs:
        print(f"clients: {client}: {showed}")
    return 1 if any(code for _, _, code in runs) else 0


def core(cargo):
    code, showed = run([*cargo, "test", "--workspace"], os.environ)
    on_path, newest_one = version(os.environ), version(with_client(newest()))
    first = (on_path, showed[ON_PATH]) if on_path else ("neither terraform nor tofu on PATH", "skipped")
    return [(*first, code), (newest_one, showed[NEWEST], code)]


def every(cargo):
    acceptance = [*cargo, "test", "--test", "acceptance", "--"]
    cases = chosen(acceptance)
    runs = []
    for settings in clients():
        client = version(settings) or sys.exit("a client does not tell its version")
        print(f"\n{client}", flush=True)
        code, showed = run([*acceptance, "--exact", *cases], settings)
        runs.append((client, showed[ON_PATH], code))
    return runs


def clients():
    """The environments of the runs, each with its client as the `terraform` of PATH."""
    for requirements in sorted(HERE.glob("clients/*.txt"), key=numbers):
        python = environment.prepared(requirements, f"{requirements.stem} from PyPI (once, about 50 MB)")
        yield with_client([python, HERE / "terraform.py"])
    yield with_client(newest())
    if version(os.environ):
        yield dict(os.environ)
    if os.environ.get("TOFU"):
        yield with_client([os.environ["TOFU"]])


def numbers(requirements):
    return [int(number) for number in re.findall(r"\d+", requirements.stem)]


def newest():
    return [environment.prepared(environment.REQUIREMENTS, "an AWS emulator and Terraform"), HERE / "terraform.py"]


def with_client(command):
    """The environment with this command as `terraform`."""
    words = shlex.join(str(word) for word in command)
    directory = environment.TARGET / "clients" / re.sub(r"\W+", "-", words).strip("-")
    directory.mkdir(parents=True, exist_ok=True)
    program = directory / "terraform"
    program.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    program.chmod(0o755)
    return {**os.environ, "PATH": f"{directory}{os.pathsep}{os.environ['PATH']}"}


def version(settings):
    """The name and version of the client of PATH, such as `terraform 1.8.4`; None where there is none."""
    for program in ("terraform", "tofu"):
        try:
            said = subprocess.run([program, "version"], env=settings, capture_output=True, text=True, check=True)
        except OSError:
            continue
        found = re.search(r"^(\w+) v(\S+)", said.stdout, re.MULTILINE)
        if found:
            return f"{found[1].lower()} {found[2]}"
    return None


def chosen(acceptance):
    listed = subprocess.run([*acceptance, "--list"], stdout=subprocess.PIPE, text=True, check=True).stdout
    listed = [line.removesuffix(": test") for line in listed.splitlines() if line.endswith(": test")]
    cases = [case for case in listed if case.endswith(ON_PATH)]
    alone = {case.split("::")[0] for case in listed if not case.endswith((ON_PATH, NEWEST))}
    CLOSING.add("clients: on Terraform 1.15 alone, in `make test`: " + ", ".join(sorted(alone)))
    words = os.environ.get("CASES", "").split()
    cases = [case for case in cases if not words or any(word in case for word in words)]
    return cases or sys.exit("no case has such a name")


def run(command, settings):
    """Runs tests, passes on what they say, and counts by the end of the cases' names; the exit code comes first."""
    showed = collections.defaultdict(Showed)
    tests = subprocess.Popen(
        command, env=settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    for line in tests.stdout:
        sys.stdout.write(line)
        sys.stdout.flush()
        for _, case, result in RESULT.findall(line):
            if result == "ok":
                showed[case].passed += 1
            else:
                showed[case].failed += 1
        CLOSING.update(SUMMARY.findall(line))
        for feature, case in LEFT_OUT.findall(line):
            showed[case].left_out[feature] += 1
    return tests.wait(), showed


if __name__ == "__main__":
    sys.exit(main())
