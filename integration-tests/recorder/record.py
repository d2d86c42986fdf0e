#!/usr/bin/env python3
"""Records small attacks, and an ordinary afternoon, against a real Kubernetes API server.

Usage: record.py OUT_DIR [NAME ...]      KUBE_DIR names the folder of the control plane's binaries

Writes OUT_DIR/<name>/ for each scenario, about a minute each; see README.md. An existing folder is replaced only
when its recording succeeded. Exit status: 0 when all were written, 1 when one failed, 2 for a wrong call.
"""
import argparse
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True  # leave nothing behind in the source tree

from control_plane import RecorderError
from recording import record
from scenarios import attack_ledger, attack_storefront, benign_release

SCENARIOS = {"attack-storefront": attack_storefront, "attack-ledger": attack_ledger, "benign-release": benign_release}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, metavar="OUT_DIR")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SCENARIOS)}; default: all")
    options = parser.parse_args()
    kube_dir = os.environ.get("KUBE_DIR")
    if not kube_dir:
        parser.error("set KUBE_DIR to the folder with kube-apiserver, kube-controller-manager and kube-scheduler")
    if unknown := set(options.names) - SCENARIOS.keys():
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # leaves by way of the clean-up
    failed = False
    for name in options.names or SCENARIOS:
        scenario = SCENARIOS[name]
        with tempfile.TemporaryDirectory(prefix="recorder-") as work:
            made = Path(work) / name
            try:
                record(kube_dir, made, name, scenario.USERS, scenario.NODES, scenario.story)
            except (RecorderError, OSError, TimeoutError) as error:
                print(f"{name}: {error}", file=sys.stderr)
                failed = True
                continue
            target = options.out / name
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(made, target)
        print(f"{name}: {sum(path.stat().st_size for path in target.rglob('*') if path.is_file()):,} bytes in {target}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
