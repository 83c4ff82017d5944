#!/usr/bin/env bash
# Makes a container image of the local engine without pulling any: Debian packages unpacked, the pinned
# Python packages beside them, and `docker import`. The same inputs give the same file system.
#
#   tests/cloud/image/build.sh [NAME]          default: lattice-test-engine
#
# Needs mmdebstrap, python3 with pip, and a Docker engine that answers. MIRROR names another Debian
# mirror than the usual one, SUITE another release; take the one of this machine, so that programs built here run there.
set -euo pipefail
name="${1:-lattice-test-engine}"
suite="${SUITE:-bookworm}"
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-1767225600}"

# What Python needs to run, and the C libraries of the functions' programs.
mmdebstrap --quiet --variant=extract \
  --include=python3-minimal,libpython3-stdlib,libc6,libgcc-s1,zlib1g,libssl3,libffi8,ca-certificates \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  "$suite" "$work/tree" ${MIRROR:+"$MIRROR"}
python="$(basename "$(ls "$work"/tree/usr/bin/python3.* | head -1)")"
ln -sf "$python" "$work/tree/usr/bin/python3"

# Everything is pinned, so nothing is looked for beyond the list.
python3 -m pip install --quiet --disable-pip-version-check --no-deps --no-compile \
  --python-version "${python#python}" --only-binary :all: \
  --target "$work/tree/engine" --requirement "$here/../requirements.txt"
mkdir -p "$work/tree/tmp" "$work/tree/root"
chmod 1777 "$work/tree/tmp"
cat > "$work/tree/usr/bin/engine" <<'RUN'
#!/usr/bin/python3
import runpy, sys
sys.path.insert(0, "/engine")
runpy.run_module("ministack", run_name="__main__")
RUN
chmod 755 "$work/tree/usr/bin/engine"

tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
  -C "$work/tree" -c . |
  docker import \
    --change 'ENV PYTHONPATH=/engine PYTHONDONTWRITEBYTECODE=1 PATH=/usr/bin:/bin HOME=/root' \
    --change 'ENV BIND_HOST=0.0.0.0 IOT_MTLS_ENABLED=0 SFTP_ENABLED=0 GATEWAY_PORT=4566' \
    --change 'EXPOSE 4566' \
    --change 'ENTRYPOINT ["/usr/bin/engine"]' \
    - "$name"
echo "made the image $name: LATTICE_TEST_IMAGE=$name cargo test --package lattice-cloud --features containers --test suites" >&2
