"""Puts the provider where Terraform and OpenTofu look before they ask a registry, and says what to write.

Usage: install.py PROVIDER VERSION PLUGINS
"""

import pathlib
import platform
import shutil
import sys

ADDRESS = "replicated-bucket/replicated"
REGISTRIES = ("registry.terraform.io", "registry.opentofu.org")
ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def main():
    provider, version, plugins = sys.argv[1:]
    machine = platform.machine().lower()
    system = f"{platform.system().lower()}_{ARCHITECTURES.get(machine, machine)}"
    for registry in REGISTRIES:
        directory = pathlib.Path(plugins, registry, ADDRESS, version, system)
        directory.mkdir(parents=True, exist_ok=True)
        target = directory / f"terraform-provider-replicated_v{version}"
        # A rename replaces a provider that is running; a copy onto it would fail.
        fresh = directory.parent / f".{system}.new"
        shutil.copy2(provider, fresh)
        fresh.replace(target)
        print(f"Installed {target}")
    print(
        f"""
Write in your configuration:

  terraform {{
    required_providers {{
      replicated = {{
        source  = "{ADDRESS}"
        version = "{version}"
      }}
    }}
  }}

Where this version was installed before, terraform init asks for it to be taken out of
.terraform.lock.hcl first: its checksum is another one now."""
    )


if __name__ == "__main__":
    main()
