#!/usr/bin/env bash
# Installs what the Makefile's targets need and the machine lacks: install.sh [r] [python] [examples] [cc] [slapd] [keyring] [tmux]
# On Debian as root; elsewhere it says what to install. What is there already is left alone.
set -euo pipefail

has_r() { R --version >/dev/null 2>&1; }

# The development server looks at every python on the PATH, and so does this.
has_python() {
	local python
	for python in $(type -ap python3 python) /usr/bin/python3; do
		"$python" -c 'import sys, importlib.util as u
sys.exit(any(u.find_spec(m) is None for m in sys.argv[1:]))' numpy pandas sklearn dill "$@" >/dev/null 2>&1 && return 0
	done
	return 1
}

# Data and plots that only tests use.
has_examples() { R --no-echo --vanilla -e 'library(rpart)' >/dev/null 2>&1 && has_python matplotlib; }

# The race detector needs a C compiler and its headers.
has_cc() { echo '#include <stdlib.h>' | ${CC:-gcc} -E - >/dev/null 2>&1; }

# OpenLDAP's server, which tests start with a directory of their own. Debian's is outside of the PATH of ordinary users.
has_slapd() { [ -n "$(PATH=$PATH:/usr/sbin:/usr/local/sbin:/usr/local/libexec:/usr/libexec type -P slapd)" ]; }

# A keyring as desktops have it, which tests start on a bus of their own.
has_keyring() { type -P gnome-keyring-daemon >/dev/null && type -P dbus-daemon >/dev/null; }

has_tmux() { command -v tmux >/dev/null; }

packages=() names=()
for need in "$@"; do
	case $need in
	r) has_r || { packages+=(r-base-core); names+=("R"); } ;;
	python) has_python || { packages+=(python3 python3-numpy python3-pandas python3-sklearn python3-dill); names+=("Python 3 with numpy, pandas, scikit-learn and dill"); } ;;
	examples) has_examples || { packages+=(r-cran-rpart python3-matplotlib); names+=("for tests: the R package rpart, and matplotlib for Python"); } ;;
	cc) has_cc || { packages+=(gcc libc6-dev); names+=("a C compiler (gcc)"); } ;;
	slapd) has_slapd || { packages+=(slapd); names+=("OpenLDAP's server (slapd)"); } ;;
	keyring) has_keyring || { packages+=(gnome-keyring dbus); names+=("for tests: GNOME's keyring (gnome-keyring-daemon) and dbus-daemon"); } ;;
	tmux) has_tmux || { packages+=(tmux); names+=("tmux, a terminal for tests"); } ;;
	*) echo "install.sh: unknown: $need" >&2; exit 2 ;;
	esac
done
[ ${#packages[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
	{
		echo "missing:"
		printf '  %s\n' "${names[@]}"
		echo "on Debian or Ubuntu: sudo apt-get install --no-install-recommends ${packages[*]}"
		echo "elsewhere: install them with your package manager, so that R and python3 are on the PATH"
	} >&2
	exit 1
fi
echo "installing: ${packages[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp) policy=
trap 'rm -f "$log" $policy' EXIT
if [[ " ${packages[*]} " == *" slapd "* ]]; then
	# Only the program is wanted: no directory is set up, and no service started.
	echo "slapd slapd/no_configuration boolean true" | debconf-set-selections
	if [ ! -e /usr/sbin/policy-rc.d ]; then
		policy=/usr/sbin/policy-rc.d
		printf '#!/bin/sh\nexit 101\n' >$policy
		chmod 755 $policy
	fi
fi
if ! { apt-get update && apt-get install -y --no-install-recommends "${packages[@]}"; } >"$log" 2>&1; then
	tail -n 20 "$log" >&2
	echo "apt-get could not install ${packages[*]}: see above" >&2
	exit 1
fi
