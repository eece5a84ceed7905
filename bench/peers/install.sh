# Sourced by the benches that need programs of the machine.

# Installs the Debian packages of programs that are missing: install_missing PROGRAM:PACKAGE…
install_missing() {
    # nginx and other daemons are not on everybody's path.
    missing=$(PATH=$PATH:/usr/sbin:/sbin; for pair; do
        command -v "${pair%%:*}" >/dev/null || echo "${pair##*:}"
    done)
    [ -n "$missing" ] || return 0
    as_root=
    [ "$(id -u)" = 0 ] || as_root=sudo
    $as_root apt-get update -qq
    # RUNLEVEL: a package's daemon must not be started.
    # shellcheck disable=SC2086 # a list of words
    $as_root env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends $missing >&2
}
