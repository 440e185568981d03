#!/usr/bin/env bash
# Prints the folders of the modules that are meant for users, those that are released,
# below the current folder. The others (bench, interop, trials) are for work in the tree.
set -euo pipefail
for mod in go.mod contrib/*/go.mod compat/*/go.mod zktest/zkcontainer/go.mod; do
	if [ -f "$mod" ]; then dirname "$mod"; fi
done
