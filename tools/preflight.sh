#!/bin/sh
# Says in one line which tool is missing or too old, before anything is built.
# Usage: preflight.sh PYTHON; the Rust version wanted stands in Cargo.toml.
set -eu
python=$1
rust_wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)

missing() {
    echo "tieout: $1" >&2
    exit 1
}

command -v "$python" >/dev/null 2>&1 ||
    missing "there is no $python; install Python 3.11 or newer, or name it: make PYTHON=/path/to/python3"
found=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) ||
    missing "$python does not run; install Python 3.11 or newer, or name it: make PYTHON=/path/to/python3"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    missing "$python is Python $found; 3.11 or newer is needed, name it: make PYTHON=/path/to/python3"
"$python" -c 'import venv, ensurepip' 2>/dev/null ||
    missing "$python has no venv and ensurepip modules; install them (Debian and Ubuntu: python3-venv)"
command -v cc >/dev/null 2>&1 || command -v gcc >/dev/null 2>&1 || command -v clang >/dev/null 2>&1 ||
    missing "there is no C compiler (cc); install one (Debian and Ubuntu: build-essential)"
command -v cargo >/dev/null 2>&1 ||
    missing "there is no cargo; install Rust $rust_wanted or newer (rustup is the usual way)"
found=$(cargo --version 2>/dev/null | sed -n 's/^cargo \([0-9]*\.[0-9]*\).*/\1/p')
[ -n "$found" ] ||
    missing "cargo does not run; rust-toolchain.toml asks for a toolchain that could not be had: see \`cargo --version\`"
"$python" -c '
import sys
found, wanted = (tuple(int(n) for n in v.split(".")[:2]) for v in sys.argv[1:])
sys.exit(found < wanted)' "$found" "$rust_wanted" ||
    missing "cargo is version $found; $rust_wanted or newer is needed (rustup update)"
